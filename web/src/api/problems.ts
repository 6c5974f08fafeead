/** What can go wrong between the console and pushguide, and what to tell of it. */

import type { Word } from '@/words'

/** pushguide said no, and nothing was changed; or it tried, and could not. */
export class Refusal extends Error {
  constructor(
    readonly problems: string[],
    readonly wasRefused: boolean,
  ) {
    super(problems.join('\n'))
  }
}

/** salt-api does not know who we are any more. */
export class SessionEnded extends Error {}

/** salt-api cannot be reached, or does not answer as it should. */
export class Unreachable extends Error {}

/** What kind of problem it is, as a heading. */
export function titleOf(error: unknown): Word {
  if (error instanceof Refusal) return error.wasRefused ? 'refused' : 'failed'
  return 'away.api'
}

/** What may be shown of any of them. */
export function problemsOf(error: unknown): string[] {
  if (error instanceof Refusal) return error.problems
  return [error instanceof Error ? error.message : String(error)]
}
