/* A small Windows service for tests: it answers each connection with the text of version.txt beside
   it. Arguments: a port, and what it does wrong: stubborn (does not stop), exits (ends at once), slow
   (takes three seconds to start), until=FILE (says that it runs only when that file is there). */
#include <winsock2.h>
#include <windows.h>
#include <stdio.h>
#include <string.h>

static SERVICE_STATUS_HANDLE handle;
static SERVICE_STATUS status = {SERVICE_WIN32_OWN_PROCESS, SERVICE_START_PENDING,
                                SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_PAUSE_CONTINUE, NO_ERROR, 0,
                                0, 5000};
static HANDLE stop;
static int stubborn, exits, slow, port;
static const char *until;

static void tell(DWORD state) {
    status.dwCurrentState = state;
    SetServiceStatus(handle, &status);
}

static void WINAPI control(DWORD code) {
    if (code == SERVICE_CONTROL_STOP) {
        tell(SERVICE_STOP_PENDING);
        if (!stubborn) SetEvent(stop);
    } else if (code == SERVICE_CONTROL_PAUSE) {
        tell(SERVICE_PAUSED);
    }
}

static DWORD WINAPI serve(void *unused) {
    char path[MAX_PATH], body[256], answer[512];
    GetModuleFileNameA(NULL, path, sizeof path);
    strcpy(strrchr(path, '\\') + 1, "version.txt");
    FILE *file = fopen(path, "rb");
    size_t length = file ? fread(body, 1, sizeof body - 1, file) : 0;
    body[length] = 0;
    if (file) fclose(file);
    WSADATA data;
    WSAStartup(MAKEWORD(2, 2), &data);
    SOCKET server = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in at = {AF_INET, htons(port), {{{127, 0, 0, 1}}}};
    bind(server, (struct sockaddr *)&at, sizeof at);
    listen(server, 16);
    for (;;) {
        SOCKET client = accept(server, NULL, NULL);
        if (client == INVALID_SOCKET) return 0;
        char asked[1024];
        recv(client, asked, sizeof asked, 0);
        snprintf(answer, sizeof answer, "HTTP/1.0 200 OK\r\nContent-Length: %u\r\n\r\n%s",
                 (unsigned)strlen(body), body);
        send(client, answer, (int)strlen(answer), 0);
        closesocket(client);
    }
}

static void WINAPI run(DWORD count, char **words) {
    handle = RegisterServiceCtrlHandlerA("", control);
    stop = CreateEventA(NULL, TRUE, FALSE, NULL);
    if (exits) ExitProcess(3);
    if (slow) {
        tell(SERVICE_START_PENDING);
        Sleep(3000);
    }
    while (until && GetFileAttributesA(until) == INVALID_FILE_ATTRIBUTES) Sleep(50);
    CreateThread(NULL, 0, serve, NULL, 0, NULL);
    tell(SERVICE_RUNNING);
    WaitForSingleObject(stop, INFINITE);
    tell(SERVICE_STOPPED);
}

int main(int count, char **words) {
    for (int place = 1; place < count; place++) {
        if (!strcmp(words[place], "stubborn")) stubborn = 1;
        else if (!strcmp(words[place], "exits")) exits = 1;
        else if (!strcmp(words[place], "slow")) slow = 1;
        else if (!strncmp(words[place], "until=", 6)) until = words[place] + 6;
        else port = atoi(words[place]);
    }
    SERVICE_TABLE_ENTRYA table[] = {{"", run}, {NULL, NULL}};
    return !StartServiceCtrlDispatcherA(table);
}
