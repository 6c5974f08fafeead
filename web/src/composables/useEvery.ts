/** Do something now and then, while the page is looked at. */

import { onScopeDispose } from 'vue'

/**
 * @param work what to do; the next time comes after it has ended.
 * @param milliseconds how long to wait in between, asked each time.
 */
export function useEvery(work: () => unknown, milliseconds: () => number): void {
  let timer = 0
  let isOver = false
  let isAtWork = false

  async function round(): Promise<void> {
    if (isAtWork) return
    isAtWork = true
    if (document.visibilityState === 'visible') await work()
    isAtWork = false
    plan()
  }
  function plan(): void {
    clearTimeout(timer)
    if (!isOver) timer = window.setTimeout(() => void round(), milliseconds())
  }
  function look(): void {
    if (document.visibilityState !== 'visible') return
    clearTimeout(timer)
    void round()
  }

  document.addEventListener('visibilitychange', look)
  plan()
  onScopeDispose(() => {
    isOver = true
    clearTimeout(timer)
    document.removeEventListener('visibilitychange', look)
  })
}
