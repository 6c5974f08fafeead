/* SIMULATED powershell.exe: hands its arguments, as they came, to the Python that stands in: to
 * the one that stays and listens, or, where none does, to one of its own. */
#include <windows.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define PIPE L"\\\\.\\pipe\\simulated-powershell"
#define PYTHON L"C:\\py\\python.exe -I -S C:\\lab\\simulated_powershell.py "
#define ANSWER_AT_MOST (4 << 20)

static const wchar_t *arguments(void)
{
    const wchar_t *rest = GetCommandLineW();
    const wchar_t *end = wcschr(rest + 1, *rest == L'"' ? L'"' : L' ');
    return end ? end + 1 : L"";
}

/* An answer is the exit code, the length of the output, the output and the errors. */
static int ask(const wchar_t *line, DWORD *code)
{
    char *answer = malloc(ANSWER_AT_MOST);
    DWORD length, written, head[2];
    if (!CallNamedPipeW(PIPE, (void *)line, wcslen(line) * sizeof *line, answer, ANSWER_AT_MOST,
                        &length, NMPWAIT_WAIT_FOREVER))
        return 0;
    memcpy(head, answer, sizeof head);
    char *output = answer + sizeof head, *errors = output + head[1];
    if (errors > output)
        WriteFile(GetStdHandle(STD_OUTPUT_HANDLE), output, errors - output, &written, NULL);
    if (answer + length > errors)
        WriteFile(GetStdHandle(STD_ERROR_HANDLE), errors, answer + length - errors, &written, NULL);
    *code = head[0];
    return 1;
}

static DWORD run(const wchar_t *given)
{
    static wchar_t line[32768];
    if (wcslen(PYTHON) + wcslen(given) >= sizeof line / sizeof *line)
        return 249;
    wcscpy(line, PYTHON);
    wcscat(line, given);

    STARTUPINFOW start = {sizeof start};
    PROCESS_INFORMATION process;
    if (!CreateProcessW(NULL, line, NULL, NULL, TRUE, 0, NULL, NULL, &start, &process))
        return 250;
    WaitForSingleObject(process.hProcess, INFINITE);
    DWORD code = 251;
    GetExitCodeProcess(process.hProcess, &code);
    return code;
}

int wmain(void)
{
    DWORD code;
    return ask(arguments(), &code) ? code : run(arguments());
}
