import { createRouter, createWebHashHistory, type RouteRecordRaw } from 'vue-router'

import ModulesPage from '@/pages/ModulesPage.vue'

const routes: RouteRecordRaw[] = [
  { path: '/', name: 'modules', component: ModulesPage, meta: { title: 'nav.modules' } },
  {
    path: '/deploy/:module/:environment',
    name: 'deploy',
    component: () => import('@/pages/DeployPage.vue'),
    props: true,
    meta: { title: 'nav.deploy' },
  },
  {
    path: '/deployments',
    name: 'history',
    component: () => import('@/pages/HistoryPage.vue'),
    meta: { title: 'nav.history' },
  },
  {
    path: '/deployments/:number(\\d+)',
    name: 'deployment',
    component: () => import('@/pages/DeploymentPage.vue'),
    props: (route) => ({ number: Number(route.params.number) }),
    meta: { title: 'nav.deployment' },
  },
  {
    path: '/compare/:one(\\d+)/:other(\\d+)',
    name: 'compare',
    component: () => import('@/pages/ComparePage.vue'),
    props: (route) => ({ one: Number(route.params.one), other: Number(route.params.other) }),
    meta: { title: 'nav.compare' },
  },
  {
    path: '/statistics',
    name: 'statistics',
    component: () => import('@/pages/StatisticsPage.vue'),
    meta: { title: 'nav.statistics' },
  },
  {
    path: '/templates',
    name: 'templates',
    component: () => import('@/pages/TemplatesPage.vue'),
    meta: { title: 'nav.templates' },
  },
  {
    path: '/templates/new',
    name: 'template-new',
    component: () => import('@/pages/TemplatePage.vue'),
    meta: { title: 'nav.templates' },
  },
  {
    path: '/templates/:module',
    name: 'template',
    component: () => import('@/pages/TemplatePage.vue'),
    props: true,
    meta: { title: 'nav.templates' },
  },
  {
    path: '/hosts',
    name: 'hosts',
    component: () => import('@/pages/HostsPage.vue'),
    meta: { title: 'nav.hosts' },
  },
  {
    path: '/operations/:tab?',
    name: 'operations',
    component: () => import('@/pages/OperationsPage.vue'),
    props: true,
    meta: { title: 'nav.operations' },
  },
  { path: '/:rest(.*)*', redirect: '/' },
]

const RELOADED = 'pushguide.reloaded'

export const router = createRouter({
  history: createWebHashHistory(),
  routes,
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
})

// After an upgrade of the master the parts of the old console are gone: take the new one, once.
router.onError((_error, to) => {
  if (sessionStorage.getItem(RELOADED) === to.fullPath) return
  sessionStorage.setItem(RELOADED, to.fullPath)
  location.hash = `#${to.fullPath}`
  location.reload()
})
router.afterEach((to, from) => {
  sessionStorage.removeItem(RELOADED)
  // Who goes to another page by keyboard begins at its top, not at the link.
  if (to.path !== from.path && from.name) document.getElementById('main')?.focus({ preventScroll: true })
})
