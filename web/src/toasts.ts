/** Short words about what was done, at the edge of the screen. */

import { ref } from 'vue'

export interface Toast {
  id: number
  text: string
  isProblem: boolean
}

export const toasts = ref<Toast[]>([])
let last = 0
const SHOWN_MS = 6_000

export function say(text: string, isProblem = false): void {
  const id = (last += 1)
  toasts.value = [...toasts.value, { id, text, isProblem }]
  if (!isProblem) setTimeout(() => dismiss(id), SHOWN_MS)
}

export function dismiss(id: number): void {
  toasts.value = toasts.value.filter((one) => one.id !== id)
}
