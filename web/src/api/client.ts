/** Calls of pushguide's runner, through salt-api: the one way in. */

import { t } from '@/words'

import { Refusal, SessionEnded, Unreachable } from './problems'
import { end, isAllowed, token } from './session'

export type Arguments = Record<string, unknown>

const PATIENCE_MS = 330_000

/**
 * Call a function of the runner.
 *
 * @param name its name, such as 'show'.
 * @param kwarg its arguments; what is undefined, null or empty is left out.
 * @throws Refusal pushguide refused it, or failed.
 * @throws SessionEnded nobody is signed in any more.
 * @throws Unreachable salt-api does not answer.
 */
export async function ask<T>(name: string, kwarg: Arguments = {}, signal?: AbortSignal): Promise<T> {
  const given = Object.entries(kwarg).filter(([, one]) => one !== undefined && one !== null && one !== '')
  const low = [{ client: 'runner', fun: `pushguide.${name}`, kwarg: Object.fromEntries(given) }]
  const answer = await post(low, signal)
  const value = answer[0]
  if (typeof value === 'string') throw new Unreachable(value.slice(0, 2000))
  if (isRefusal(value)) throw new Refusal(value.problems, 'refused' in value)
  return value as T
}

function isRefusal(value: unknown): value is { problems: string[]; refused?: string } {
  return (
    typeof value === 'object' &&
    value !== null &&
    ('refused' in value || 'failed' in value) &&
    Array.isArray((value as { problems?: unknown }).problems)
  )
}

async function post(low: { fun: string }[], signal?: AbortSignal): Promise<unknown[]> {
  const patience = AbortSignal.timeout(PATIENCE_MS)
  let response: Response
  try {
    response = await fetch('/', {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        Accept: 'application/json',
        'X-Auth-Token': token(),
      },
      credentials: 'omit',
      body: JSON.stringify(low),
      signal: signal ? AbortSignal.any([signal, patience]) : patience,
    })
  } catch (error) {
    if (signal?.aborted) throw error
    throw new Unreachable('salt-api')
  }
  if (response.status === 401 && !isAllowed(low[0]!.fun)) {
    throw new Refusal([t('sign_in.not_allowed', { name: low[0]!.fun })], true)
  }
  if (response.status === 401) {
    end()
    throw new SessionEnded()
  }
  if (!response.ok) throw new Unreachable(`salt-api: ${response.status}`)
  return ((await response.json()) as { return: unknown[] }).return
}
