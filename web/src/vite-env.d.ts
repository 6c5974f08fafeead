import 'vue-router'

import type { Word } from '@/words'

declare module 'vue-router' {
  interface RouteMeta {
    title: Word
  }
}
