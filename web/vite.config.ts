import { fileURLToPath, URL } from 'node:url'

import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vite'

// salt-api serves index.html at /app and what it needs below /static.
export default defineConfig({
  base: '/static/',
  plugins: [vue({ features: { optionsAPI: false } })],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  define: { __VUE_PROD_DEVTOOLS__: false },
  build: {
    target: 'es2022',
    // Nothing is put into the page itself: the Content-Security-Policy allows files alone.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
  },
})
