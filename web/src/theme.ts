/** The colours of charts: those of the page. */

import { computed } from 'vue'

import { isDark } from '@/preferences'

export const colours = computed(() =>
  isDark.value
    ? { ink: '#e8edf4', muted: '#a3aec0', line: '#2c3644', accent: '#8fb0ff', good: '#3aa870', bad: '#d6544b', warn: '#c98f2c', none: '#4a5669', heat: ['#1e2733', '#2b4a86', '#8fb0ff'] }
    : { ink: '#16202e', muted: '#566073', line: '#dfe3ea', accent: '#2453d6', good: '#2f9e66', bad: '#d6453b', warn: '#e0a030', none: '#c3cad5', heat: ['#eef2fb', '#9db5f0', '#2453d6'] },
)
