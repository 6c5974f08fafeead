/** A list of which the newest part is kept fresh, and older parts come on request. */

import { computed, ref, toValue, watch, type MaybeRefOrGetter } from 'vue'

import { ask, type Arguments } from '@/api/client'
import { problemsOf } from '@/api/problems'

import { useAnswer } from './useAnswer'

/**
 * @param name the runner's function, which takes `limit` and `before`.
 * @param kwarg its other arguments.
 * @param limit how many rows a part has.
 * @param numberOf the number of a row: they fall.
 */
export function usePages<T>(name: string, kwarg: MaybeRefOrGetter<Arguments>, limit: number, numberOf: (row: T) => number) {
  const wanted = computed(() => ({ ...toValue(kwarg), limit }))
  const first = useAnswer<T[]>(name, wanted)
  const older = ref<T[]>([]) as { value: T[] }
  const isAtEnd = ref(false)
  const isFetching = ref(false)
  const ownProblems = ref<string[]>([])

  watch(
    () => JSON.stringify(wanted.value),
    () => (older.value = []),
  )
  watch(first.data, (found) => {
    if (!older.value.length) isAtEnd.value = (found?.length ?? 0) < limit
  })

  const rows = computed(() => {
    const newest = first.data.value ?? []
    const last = newest.at(-1)
    const end = last === undefined ? Infinity : numberOf(last)
    return [...newest, ...older.value.filter((one) => numberOf(one) < end)]
  })
  const problems = computed(() => [...first.problems.value, ...ownProblems.value])

  async function more(): Promise<void> {
    const last = rows.value.at(-1)
    if (last === undefined) return
    isFetching.value = true
    try {
      const found = await ask<T[]>(name, { ...wanted.value, before: numberOf(last) })
      older.value = [...older.value, ...found]
      isAtEnd.value = found.length < limit
      ownProblems.value = []
    } catch (error) {
      ownProblems.value = problemsOf(error)
    } finally {
      isFetching.value = false
    }
  }

  const { title, isLoading, reload } = first
  return { rows, problems, title, isLoading, isAtEnd, isFetching, more, reload }
}
