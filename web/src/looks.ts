/** How states and outcomes look: stated once. */

import type { IconName } from '@/components/AppIcon.vue'

export type Tone = 'good' | 'bad' | 'busy' | 'wait' | 'back' | 'none' | 'warn'

interface Look {
  tone: Tone
  icon: IconName
}

const LOOKS: Record<string, Look> = {
  pending_approval: { tone: 'wait', icon: 'waiting' },
  scheduled: { tone: 'wait', icon: 'waiting' },
  queued: { tone: 'wait', icon: 'waiting' },
  running: { tone: 'busy', icon: 'running' },
  under_way: { tone: 'busy', icon: 'running' },
  paused: { tone: 'warn', icon: 'paused' },
  succeeded: { tone: 'good', icon: 'succeeded' },
  good: { tone: 'good', icon: 'succeeded' },
  unchanged: { tone: 'good', icon: 'succeeded' },
  warning: { tone: 'warn', icon: 'warning' },
  failed: { tone: 'bad', icon: 'failed' },
  bad: { tone: 'bad', icon: 'failed' },
  rolled_back: { tone: 'back', icon: 'back' },
  restored: { tone: 'back', icon: 'back' },
  aborted: { tone: 'none', icon: 'stopped' },
  stopped_short: { tone: 'none', icon: 'stopped' },
  inconclusive: { tone: 'warn', icon: 'unknown' },
  unknown: { tone: 'warn', icon: 'unknown' },
  not_started: { tone: 'none', icon: 'skipped' },
  left_out: { tone: 'none', icon: 'skipped' },
  skipped: { tone: 'none', icon: 'skipped' },
}

export function lookOf(word: string): Look {
  return LOOKS[word] ?? { tone: 'none', icon: 'unknown' }
}
