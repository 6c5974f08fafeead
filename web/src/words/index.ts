/** What the console says, in the language of who reads it. */

import { computed, shallowRef, watch } from 'vue'

import { language } from '@/preferences'

import en from './en'

export type Word = keyof typeof en
export type Words = Record<Word, string>
type Values = Record<string, string | number>

const words = shallowRef<Words>(en)

watch(
  language,
  async (one) => {
    words.value = one === 'zh' ? (await import('./zh')).default : en
  },
  { immediate: true },
)

const locale = computed(() => (language.value === 'zh' ? 'zh-CN' : 'en'))

/** A sentence, with its {places} filled in. */
export function t(word: Word, values: Values = {}): string {
  return fill(words.value[word], values)
}

/** A sentence about a number: 'one host|{count} hosts'. */
export function counted(word: Word, count: number, values: Values = {}): string {
  const [one, many] = words.value[word].split('|')
  return fill((count === 1 ? one : (many ?? one)) ?? '', { count: number(count), ...values })
}

function fill(text: string, values: Values): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole))
}

/** A word of pushguide, such as a state or an outcome, as people say it; itself if there is none. */
export function term(prefix: 'state' | 'outcome' | 'stage' | 'kind' | 'mark', word: string): string {
  const found: Record<string, string> = words.value
  return found[`${prefix}.${word}`] ?? word
}

export function number(value: number, digits = 0): string {
  return new Intl.NumberFormat(locale.value, { maximumFractionDigits: digits }).format(value)
}

export function percent(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–'
  return new Intl.NumberFormat(locale.value, { style: 'percent', maximumFractionDigits: 1 }).format(value)
}

export function moment(iso: string | null | undefined): string {
  if (!iso) return '–'
  const options = { dateStyle: 'medium', timeStyle: 'short' } as const
  return new Intl.DateTimeFormat(locale.value, options).format(new Date(iso))
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
]

export function ago(iso: string | null | undefined, now = Date.now()): string {
  if (!iso) return '–'
  const seconds = (Date.parse(iso) - now) / 1000
  const format = new Intl.RelativeTimeFormat(locale.value, { numeric: 'auto' })
  for (const [unit, size] of STEPS) {
    if (Math.abs(seconds) >= size) return format.format(Math.round(seconds / size), unit)
  }
  return t('time.now')
}

/** A duration of seconds, as people read it: 0.3 s, 12 s, 4 min 10 s, 2 h 5 min. */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) return '–'
  if (seconds < 10) return `${number(seconds, 1)} ${t('time.s')}`
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} ${t('time.s')}`
  if (whole < 3600) return `${Math.floor(whole / 60)} ${t('time.min')} ${whole % 60} ${t('time.s')}`
  const minutes = Math.round(whole / 60)
  return `${number(Math.floor(minutes / 60))} ${t('time.h')} ${minutes % 60} ${t('time.min')}`
}

export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–'
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let size = value
  let unit = 0
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024
    unit += 1
  }
  return `${number(size, size < 10 && unit ? 1 : 0)} ${units[unit]}`
}
