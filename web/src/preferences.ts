/** What a person likes, kept in this browser: language, theme, favourites. */

import { ref, watch, type Ref } from 'vue'

function kept<T>(key: string, initial: T): Ref<T> {
  const name = `pushguide.${key}`
  let start = initial
  try {
    const text = localStorage.getItem(name)
    if (text !== null) start = JSON.parse(text) as T
  } catch {
    // What cannot be read is as good as not there.
  }
  const one = ref(start) as Ref<T>
  watch(one, (value) => localStorage.setItem(name, JSON.stringify(value)), { deep: true })
  return one
}

export type Language = 'en' | 'zh'
export type Theme = 'auto' | 'light' | 'dark'

export const language = kept<Language>('language', navigator.language.startsWith('zh') ? 'zh' : 'en')
export const theme = kept<Theme>('theme', 'auto')
export const favourites = kept<string[]>('favourites', [])

const prefersDark = window.matchMedia('(prefers-color-scheme: dark)')

/** Whether it is dark now. */
export const isDark = ref(false)

function show(): void {
  isDark.value = theme.value === 'dark' || (theme.value === 'auto' && prefersDark.matches)
  document.documentElement.dataset.theme = isDark.value ? 'dark' : 'light'
}

prefersDark.addEventListener('change', show)
watch(theme, show, { immediate: true })
watch(language, (one) => (document.documentElement.lang = one === 'zh' ? 'zh-CN' : 'en'), { immediate: true })
