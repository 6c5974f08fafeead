/**
 * What happens, as it happens: pushguide's events out of Salt's stream.
 *
 * Each stream holds a thread of salt-api, so a browser has one for all its tabs: the tab that has
 * the lock reads it and tells the others. It is let go where nobody looks. Without locks (an
 * address that is not https) or without a stream, pages ask now and then instead.
 */

import { createParser } from 'eventsource-parser'
import { ref, watch } from 'vue'

import { end, isSignedIn, token } from './session'

export interface PushguideEvent {
  tag: string
  data: Record<string, unknown>
}

type Listener = (event: PushguideEvent) => void

const PREFIX = 'pushguide/deployment/'
const LOCK = 'pushguide.stream'
/** A hidden tab lets go after this long. */
const IDLE_MS = 30_000
/** One change brings others: they are waited for. */
const SETTLE_MS = 700
const RETRY_MS = [1_000, 2_000, 5_000, 10_000, 30_000]

/** live: events come; trying: they will; off: pages have to ask. */
export type Standing = 'live' | 'trying' | 'off'
export const standing = ref<Standing>('off')

const listeners = new Set<Listener>()
const channel = 'BroadcastChannel' in globalThis ? new BroadcastChannel(LOCK) : null
let stop: AbortController | null = null
let idle: number | undefined

type Told = { event: PushguideEvent } | { standing: Standing } | { question: true }

channel?.addEventListener('message', (message: MessageEvent<Told>) => {
  const told = message.data
  if ('event' in told) deliver(told.event)
  else if ('standing' in told) standing.value = told.standing
  else if (isLeading) channel.postMessage({ standing: standing.value } satisfies Told)
})

let isLeading = false

function deliver(event: PushguideEvent): void {
  for (const one of listeners) one(event)
}

function say(value: Standing): void {
  standing.value = value
  channel?.postMessage({ standing: value } satisfies Told)
}

/** Hear events until the answer is called. */
export function listen(listener: Listener): () => void {
  listeners.add(listener)
  consider()
  return () => {
    listeners.delete(listener)
    consider()
  }
}

/** Do something a moment after a deployment has changed its state, until the answer is called. */
export function onStateChange(work: () => unknown): () => void {
  let timer = 0
  const stop = listen((event) => {
    if (!event.tag.endsWith('/state')) return
    clearTimeout(timer)
    timer = window.setTimeout(work, SETTLE_MS)
  })
  return () => {
    clearTimeout(timer)
    stop()
  }
}

document.addEventListener('visibilitychange', consider)
watch(isSignedIn, consider)

function consider(): void {
  clearTimeout(idle)
  const isWanted = listeners.size > 0 && isSignedIn.value && 'locks' in navigator && channel !== null
  if (!isWanted) return release()
  if (document.visibilityState === 'hidden') idle = window.setTimeout(release, IDLE_MS)
  else if (stop === null) take()
}

function release(): void {
  stop?.abort()
  stop = null
  if (!isLeading) standing.value = 'off'
}

function take(): void {
  const mine = new AbortController()
  stop = mine
  standing.value = 'trying'
  channel?.postMessage({ question: true } satisfies Told)
  navigator.locks
    .request(LOCK, { signal: mine.signal }, async () => {
      isLeading = true
      await readUntil(mine.signal)
      isLeading = false
      say('off')
    })
    .catch(() => undefined)
    .finally(() => {
      if (stop === mine) stop = null
    })
}

async function readUntil(signal: AbortSignal): Promise<void> {
  for (let tries = 0; !signal.aborted && isSignedIn.value; tries += 1) {
    say('trying')
    try {
      await read(signal, () => {
        tries = -1
        say('live')
      })
    } catch {
      // It is tried again; meanwhile pages ask.
    }
    if (signal.aborted) return
    say('off')
    await pause(RETRY_MS[Math.min(tries + 1, RETRY_MS.length - 1)] ?? 30_000, signal)
  }
}

async function read(signal: AbortSignal, isOpen: () => void): Promise<void> {
  const response = await fetch('/events', {
    headers: { Accept: 'text/event-stream', 'X-Auth-Token': token() },
    credentials: 'omit',
    cache: 'no-store',
    signal,
  })
  if (response.status === 401) return end()
  if (!response.ok || !response.body) return
  const parser = createParser({ onEvent: (one) => pass(one.data) })
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  isOpen()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    parser.feed(value)
  }
}

function pass(text: string): void {
  // Most of what is on Salt's bus is not ours, and need not be read.
  if (!text.includes(PREFIX)) return
  let event: PushguideEvent
  try {
    event = JSON.parse(text) as PushguideEvent
  } catch {
    return
  }
  if (!event.tag?.startsWith(PREFIX)) return
  deliver(event)
  channel?.postMessage({ event } satisfies Told)
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true })
  })
}
