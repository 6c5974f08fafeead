/** What is where, shared by the pages: asked for once, and kept fresh by events. */

import { computed, ref, shallowRef, watch } from 'vue'

import { wait } from '@/busy'

import type { Overview, OverviewModule, Role } from './answers'
import { ask } from './client'
import { problemsOf, SessionEnded } from './problems'
import { isSignedIn } from './session'

const RANKS: Role[] = ['viewer', 'deployer', 'maintainer', 'admin']

export const overview = shallowRef<Overview | null>(null)
export const overviewProblems = ref<string[]>([])
export const isOverviewLoading = ref(false)

let isWantedAgain = false

export async function reloadOverview(): Promise<void> {
  if (!isSignedIn.value) return
  if (isOverviewLoading.value) {
    isWantedAgain = true // what is under way may have been asked too early
    return
  }
  isOverviewLoading.value = true
  const isHere = overview.value === null ? wait() : () => undefined
  try {
    overview.value = await ask<Overview>('overview')
    overviewProblems.value = []
  } catch (error) {
    if (!(error instanceof SessionEnded)) overviewProblems.value = problemsOf(error)
  } finally {
    isHere()
    isOverviewLoading.value = false
    if (isWantedAgain) {
      isWantedAgain = false
      void reloadOverview()
    }
  }
}

watch(isSignedIn, (one) => {
  if (one) void reloadOverview()
  else overview.value = null
})

/** Whether the person may do what takes a role, on a module in an environment. */
export function mayOn(module: string, environment: string, role: Role): boolean {
  const known = overview.value?.modules[module]?.environments[environment]
  return has(known ? known.role : overview.value?.role, role)
}

/** Whether the person may do it on everything. */
export function mayOnAll(role: Role): boolean {
  return has(overview.value?.role, role)
}

/** Whether the person may do it on a module in all its environments. */
export function mayOnWhole(module: string, role: Role): boolean {
  const places = Object.values(overview.value?.modules[module]?.environments ?? {})
  if (!places.length) return has(overview.value?.role, role)
  return places.every((one) => has(one.role, role))
}

export function mayAnywhere(role: Role): boolean {
  const found = overview.value
  if (!found) return false
  if (has(found.role, role)) return true
  return Object.values(found.modules).some((one) =>
    Object.values(one.environments).some((place) => has(place.role, role)),
  )
}

function has(held: Role | null | undefined, wanted: Role): boolean {
  return held !== null && held !== undefined && RANKS.indexOf(held) >= RANKS.indexOf(wanted)
}

/** The modules, teams and environments that the person may see: what filters offer. */
export const moduleNames = computed(() => Object.keys(overview.value?.modules ?? {}))
export const teamNames = computed(() => known((one) => [one.team]))
export const environmentNames = computed(() => known((one) => Object.keys(one.environments)))

function known(of: (one: OverviewModule) => (string | null)[]): string[] {
  const found = Object.values(overview.value?.modules ?? {}).flatMap(of)
  return [...new Set(found.filter((one) => one !== null))].sort()
}

export const waiting = computed(
  () => overview.value?.unfinished.filter((one) => one.state === 'pending_approval').length ?? 0,
)
