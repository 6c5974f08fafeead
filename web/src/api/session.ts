/** Who is signed in here. It lasts as long as the tab, and over reloads; the password is never kept. */

import { computed, ref } from 'vue'

import { Unreachable } from './problems'

interface Session {
  token: string
  user: string
  eauth: string
  expire: number
  perms: Permission[]
}

/** What Salt's external_auth allows: '@runner', '@pushguide', or some of its functions. */
type Permission = string | Record<string, (string | Record<string, unknown>)[]>

const KEY = 'pushguide.session'
const EAUTH_KEY = 'pushguide.eauth'

export class WrongPassword extends Error {}

function stored(): Session | null {
  try {
    const found = JSON.parse(sessionStorage.getItem(KEY) ?? 'null') as Session | null
    return found && found.expire * 1000 > Date.now() ? found : null
  } catch {
    return null
  }
}

const session = ref<Session | null>(stored())
/** Whether somebody was signed in, and is no more: what was typed stays, and they are asked again. */
export const hasEnded = ref(false)

export const user = computed(() => session.value?.user ?? null)
export const isSignedIn = computed(() => session.value !== null)
export const token = () => session.value?.token ?? ''
let previous = session.value?.user ?? ''
/** Who was signed in before. */
export const lastUser = () => previous
export const lastEauth = () => localStorage.getItem(EAUTH_KEY) ?? 'pam'

export async function signIn(username: string, password: string, eauth: string): Promise<void> {
  let response: Response
  try {
    response = await fetch('/login', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
      credentials: 'omit',
      body: JSON.stringify({ username, password, eauth }),
    })
  } catch {
    throw new Unreachable('/login')
  }
  if (response.status === 401) throw new WrongPassword()
  if (!response.ok) throw new Unreachable(`/login: ${response.status}`)
  const answer = (await response.json()) as { return: Session[] }
  const one = answer.return[0]
  if (!one?.token) throw new Unreachable('/login')
  const { token, user, expire, perms } = one
  session.value = { token, user, eauth, expire, perms }
  previous = user
  sessionStorage.setItem(KEY, JSON.stringify(session.value))
  localStorage.setItem(EAUTH_KEY, eauth)
  hasEnded.value = false
}

/** Whether Salt lets this person call a function at all: it answers 401 where it does not. */
export function isAllowed(name: string): boolean {
  const [module = '', fun = ''] = name.split('.')
  const perms = session.value?.perms
  if (!Array.isArray(perms)) return true
  return perms.some((one) => {
    if (typeof one === 'string') return one === '@runner' || one === `@${module}` || matches(one, name)
    const some = one[`@${module}`] ?? one['@runner']
    return some?.some((each) => typeof each !== 'string' || matches(each, fun)) ?? false
  })
}

/** Salt takes each for the beginning of a name, as a regular expression. */
function matches(pattern: string, name: string): boolean {
  try {
    return new RegExp(`^(?:${pattern})`).test(name)
  } catch {
    return true
  }
}

export async function signOut(): Promise<void> {
  const headers = { 'X-Auth-Token': token(), Accept: 'application/json' }
  forget()
  hasEnded.value = false
  await fetch('/logout', { method: 'POST', headers, credentials: 'omit' }).catch(() => undefined)
}

/** salt-api does not take our token any more: it was restarted, or the time is over. */
export function end(): void {
  if (session.value === null) return
  forget()
  hasEnded.value = true
}

function forget(): void {
  session.value = null
  sessionStorage.removeItem(KEY)
}
