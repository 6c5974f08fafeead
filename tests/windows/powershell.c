/* SIMULATED powershell.exe: hands its arguments, as they came, to the Python that stands in. */
#include <windows.h>
#include <wchar.h>

#define PYTHON L"C:\\py\\python.exe -I -S C:\\lab\\simulated_powershell.py "

static const wchar_t *arguments(void)
{
    const wchar_t *rest = GetCommandLineW();
    const wchar_t *end = wcschr(rest + 1, *rest == L'"' ? L'"' : L' ');
    return end ? end + 1 : L"";
}

int wmain(void)
{
    static wchar_t line[32768];
    if (wcslen(PYTHON) + wcslen(arguments()) >= sizeof line / sizeof *line)
        return 249;
    wcscpy(line, PYTHON);
    wcscat(line, arguments());

    STARTUPINFOW start = {sizeof start};
    PROCESS_INFORMATION process;
    if (!CreateProcessW(NULL, line, NULL, NULL, TRUE, 0, NULL, NULL, &start, &process))
        return 250;
    WaitForSingleObject(process.hProcess, INFINITE);
    DWORD code = 251;
    GetExitCodeProcess(process.hProcess, &code);
    return code;
}
