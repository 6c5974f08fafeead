/** An answer of pushguide that a page shows: asked for, kept fresh, and what is wrong with it. */

import { onScopeDispose, ref, shallowRef, toValue, watch, type MaybeRefOrGetter, type Ref } from 'vue'

import { ask, type Arguments } from '@/api/client'
import { problemsOf, SessionEnded, titleOf, Unreachable } from '@/api/problems'
import { isSignedIn } from '@/api/session'
import { wait } from '@/busy'
import type { Word } from '@/words'

export interface Answer<T> {
  data: Ref<T | null>
  problems: Ref<string[]>
  isLoading: Ref<boolean>
  /** Whether salt-api could not be reached the last time: what is shown is as it was before. */
  isStale: Ref<boolean>
  /** What kind of problems they are. */
  title: Ref<Word>
  /** When what is shown was asked for, by performance.now(). */
  askedAt: Ref<number>
  reload: () => Promise<void>
}

/**
 * Ask whenever the arguments change.
 *
 * @param name the runner's function.
 * @param kwarg its arguments; null asks nothing.
 */
export function useAnswer<T>(name: string, kwarg: MaybeRefOrGetter<Arguments | null>): Answer<T> {
  const data = shallowRef<T | null>(null)
  const problems = ref<string[]>([])
  const isLoading = ref(false)
  const isStale = ref(false)
  const title = ref<Word>('refused')
  const askedAt = ref(0)
  let running: AbortController | null = null

  async function reload(): Promise<void> {
    const given = toValue(kwarg)
    running?.abort()
    if (given === null || !isSignedIn.value) return
    const mine = (running = new AbortController())
    isLoading.value = true
    const isHere = wait()
    const began = performance.now()
    try {
      const answer = await ask<T>(name, given, mine.signal)
      if (mine.signal.aborted) return
      askedAt.value = began
      data.value = answer
      problems.value = []
      isStale.value = false
    } catch (error) {
      if (mine.signal.aborted || error instanceof SessionEnded) return
      isStale.value = error instanceof Unreachable && data.value !== null
      problems.value = problemsOf(error)
      title.value = titleOf(error)
    } finally {
      isHere()
      if (running === mine) isLoading.value = false
    }
  }

  watch(
    [() => JSON.stringify(toValue(kwarg)), isSignedIn],
    ([now], [before]) => {
      // What was shown is the answer to another question.
      if (now !== before) data.value = null
      void reload()
    },
    { immediate: true },
  )
  onScopeDispose(() => running?.abort())
  return { data, problems, isLoading, isStale, title, askedAt, reload }
}
