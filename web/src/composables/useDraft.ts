/** What is edited of a template, as a form and as YAML: the side that was not edited follows when it is looked at. */
import { computed, ref, shallowRef } from 'vue'

const yaml = () => import('yaml')
/** Salt reads YAML 1.1, in which a bare yes is no word. */
const SALTS = { version: '1.1' } as const

type Data = Record<string, unknown>

/** What stands under the module's name, whether all of a pillar was written or that alone. */
async function parsed(written: string): Promise<Data> {
  const found = ((await yaml()).parse(written, SALTS) ?? {}) as Data
  const modules = (found.pushguide as { modules?: Record<string, Data> } | undefined)?.modules
  return modules ? (Object.values(modules)[0] ?? {}) : found
}

export function useDraft() {
  const data = shallowRef<Data>({})
  const text = ref('')
  /** What was edited last. */
  const source = ref<'form' | 'yaml'>('form')
  const isTouched = ref(false)

  /** Begin with what is kept. */
  async function read(kept: string): Promise<void> {
    const found = await parsed(kept)
    text.value = kept
    data.value = found
    source.value = 'yaml'
  }
  function edit(next: Data): void {
    isTouched.value = true
    source.value = 'form'
    data.value = next
  }
  function write(next: string): void {
    isTouched.value = true
    source.value = 'yaml'
    text.value = next
  }
  async function toForm(): Promise<void> {
    if (source.value === 'yaml') data.value = await parsed(text.value)
  }
  async function toYaml(): Promise<void> {
    if (source.value === 'form') text.value = (await yaml()).stringify(data.value, SALTS)
  }
  const written = computed<unknown>(() => (source.value === 'yaml' ? text.value : data.value))

  return { data, text, written, isTouched, edit, write, read, toForm, toYaml }
}
