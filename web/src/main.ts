import '@/styles/base.css'

import { createApp } from 'vue'

import App from '@/App.vue'
import { router } from '@/router'

createApp(App).use(router).mount('#app')
// From here on it can be used: what the tests measure.
performance.mark('interactive')
