/** Whether the page still waits for something that it has to show. */

import { computed, ref } from 'vue'

const waitingFor = ref(0)
export const isBusy = computed(() => waitingFor.value > 0)

/** Say that something is waited for; call the answer when it has come. */
export function wait(): () => void {
  waitingFor.value += 1
  let isOver = false
  return () => {
    if (!isOver) waitingFor.value -= 1
    isOver = true
  }
}
