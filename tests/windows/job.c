/* A small program for tests of scheduled tasks: it writes the text of version.txt, which lies beside it,
   to the file that it is given. More arguments: seconds to sleep before, and the exit code. Of a version
   that is called broken the code is 3. */
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int count, char **words) {
    char path[MAX_PATH], text[256];
    GetModuleFileNameA(NULL, path, sizeof path);
    strcpy(strrchr(path, '\\') + 1, "version.txt");
    FILE *file = fopen(path, "rb");
    size_t length = file ? fread(text, 1, sizeof text, file) : 0;
    if (file) fclose(file);
    if (count > 2) Sleep(1000 * atoi(words[2]));
    FILE *out = fopen(words[1], "wb");
    if (!out) return 9;
    fwrite(text, 1, length, out);
    fclose(out);
    if (!strncmp(text, "broken", 6)) return 3;
    return count > 3 ? atoi(words[3]) : 0;
}
