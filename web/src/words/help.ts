/** What a schema says to help, in the language of who reads it; of a team's own type as its author wrote it. */
import { language } from '@/preferences'

import chinese from './help.zh.json'

const known: Record<string, string> = chinese

export function helpOf(text: string): string {
  return language.value === 'zh' ? (known[text] ?? text) : text
}
