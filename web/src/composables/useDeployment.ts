/**
 * One deployment, as it goes: what the record says, and what events say since.
 *
 * Events come many at a time; they are taken up once a frame. Whatever they cannot tell, and
 * whatever was missed, comes from the record: at the beginning, after a break, and at the end.
 */

import { computed, onScopeDispose, ref, shallowRef, watch } from 'vue'

import { TERMINAL, type Deployment, type DeploymentHost, type Stage, type State, type Step } from '@/api/answers'
import { listen, standing, type PushguideEvent } from '@/api/stream'

import { useAnswer } from './useAnswer'
import { useEvery } from './useEvery'

interface Report {
  stage: string
  step?: string
  outcome: string
  seconds?: number
  detail?: string
}

const POLL_MS = 2_000
const LIVE_POLL_MS = 20_000
const ENDED_POLL_MS = 60_000
/** After a change of state the record is asked once more: it has what events only begin to tell. */
const SETTLE_MS = 250

export function useDeployment(number: number) {
  const answer = useAnswer<Deployment>('show', { deployment: number })
  const deployment = shallowRef<Deployment | null>(null)
  const waitsFor = ref<string | null>(null)
  let queue: PushguideEvent[] = []
  /** What came lately: a record that was asked for before may not know of it. */
  let lately: { at: number; event: PushguideEvent }[] = []
  let frame = 0
  let settle = 0

  const isOver = computed(() => deployment.value !== null && TERMINAL.includes(deployment.value.state))

  watch(answer.data, (found) => {
    if (!found) return
    const next = structuredClone(found)
    for (const one of lately) if (one.at >= answer.askedAt.value) apply(next, one.event)
    lately = lately.filter((one) => one.at >= answer.askedAt.value)
    queue = []
    deployment.value = next
    if (TERMINAL.includes(next.state)) waitsFor.value = null
  })

  const stop = listen((event) => {
    if (event.data.deployment !== number) return
    lately.push({ at: performance.now(), event })
    queue.push(event)
    if (!frame) frame = requestAnimationFrame(take)
  })

  function take(): void {
    cancelAnimationFrame(frame)
    frame = 0
    const one = deployment.value
    if (!one || !queue.length) return
    const events = queue
    queue = []
    // What is shown by others is compared by identity: new ones all the way to what has changed.
    const next = { ...one, hosts: { ...one.hosts } }
    for (const event of events) apply(next, event)
    deployment.value = next
  }

  function apply(one: Deployment, { tag, data }: PushguideEvent): void {
    const rest = tag.split('/').slice(3)
    if (rest[0] === 'state') {
      one.state = data.state as State
      // Who drives it the record says in a moment; that nobody does is for the record alone to say.
      if (one.state === 'running') one.driven_by ??= ''
      if (one.state !== 'queued' && one.state !== 'scheduled') waitsFor.value = null
      one.reason = (data.reason as string | null) ?? null
      clearTimeout(settle)
      settle = window.setTimeout(() => void answer.reload(), SETTLE_MS)
    } else if (rest[0] === 'waits') {
      waitsFor.value = data.reason as string
    } else if (rest[0] === 'host' && rest[1] !== undefined) {
      const host = one.hosts[rest[1]]
      if (!host) return
      if (rest[2] === 'progress') for (const report of data.reports as Report[]) applyReport(host, report)
      else applyEnd(host, data)
    }
  }

  watch(standing, (now, before) => {
    if (now === 'live' && before !== 'live') void answer.reload()
  })
  useEvery(answer.reload, () => (isOver.value ? ENDED_POLL_MS : standing.value === 'live' ? LIVE_POLL_MS : POLL_MS))

  onScopeDispose(() => {
    stop()
    cancelAnimationFrame(frame)
    clearTimeout(settle)
  })
  const { problems, isStale, title, reload } = answer
  return { deployment, waitsFor, isOver, problems, isStale, title, reload }
}

function applyReport(host: DeploymentHost, report: Report): void {
  const stage = stageOf(host, report.stage)
  if (report.step === undefined) {
    stage.outcome = report.outcome
    if (report.seconds !== undefined) stage.seconds = report.seconds
    return
  }
  if (host.outcome === 'not_started') host.outcome = 'under_way'
  const step: Step = {
    name: report.step,
    outcome: report.outcome,
    seconds: report.seconds ?? 0,
    detail: report.detail ?? null,
  }
  const place = stage.steps.findIndex((one) => one.name === report.step)
  if (place < 0) stage.steps.push(step)
  else stage.steps[place] = step
}

function applyEnd(host: DeploymentHost, data: Record<string, unknown>): void {
  host.outcome = data.outcome as string
  host.error = (data.error as string | null) ?? null
  for (const [name, told] of Object.entries((data.stages ?? {}) as Record<string, { outcome: string; steps?: Record<string, string> }>)) {
    const stage = stageOf(host, name)
    stage.outcome = told.outcome
    for (const step of stage.steps) step.outcome = told.steps?.[step.name] ?? step.outcome
  }
}

function stageOf(host: DeploymentHost, name: string): Stage {
  return (host.stages[name] ??= { outcome: 'running', started_at: new Date().toISOString(), seconds: 0, steps: [] })
}
