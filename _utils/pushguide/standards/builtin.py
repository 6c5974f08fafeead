"""The rules that hold where nobody says otherwise."""

from __future__ import annotations

from pushguide.standards.rules import ERROR, WARNING, Rule

_KEYS = tuple(
    f"-----BEGIN {kind}PRIVATE KEY"
    for kind in ("", "RSA ", "EC ", "DSA ", "OPENSSH ", "ENCRYPTED ", "PGP ", "SSH2 ENCRYPTED ")
)
_TEXTS = ("*.yml", "*.yaml", "*.json", "*.properties", "*.conf", "*.cfg", "*.ini", "*.txt", "*.xml")
_SCRIPTS = ("*.sh", "*.bash", "*.ksh", "*.py", "*.pl", "*.rb")
_INITIALIZER = "META-INF/services/{}.servlet.ServletContainerInitializer"
_SERVLETS = ("jakarta", "javax")

BUILT_IN = (
    Rule(
        "readable",
        "readable",
        ERROR,
        "What cannot be read cannot be checked, and hosts could not unpack it either.",
        "Build the archive again, as zip, war, jar, nupkg, tar, tar.gz, tar.bz2 or tar.xz.",
        locked=True,
    ),
    Rule(
        "no-logs",
        "forbidden",
        ERROR,
        "Logs fill the disk, may hold personal data, and vanish with the release.",
        "Leave them out of the build; let the application log outside its release.",
        patterns=("*.log", "*.log.[0-9]*", "catalina.out"),
    ),
    Rule(
        "no-log-directory",
        "forbidden",
        ERROR,
        "An application that logs into its release loses its logs with the next one.",
        "Log into a directory outside the releases, such as /var/log/<module>.",
        patterns=("/logs/", "/log/", "/WEB-INF/logs/", "/App_Data/logs/"),
    ),
    Rule(
        "no-dumps",
        "forbidden",
        ERROR,
        "Dumps of memory are large, and hold passwords and personal data.",
        "Leave them out of the build, and let the runtime write them elsewhere.",
        patterns=("*.hprof", "core.[0-9]*", "*.dmp", "*.mdmp", "hs_err_pid*.log"),
    ),
    Rule(
        "no-vcs",
        "forbidden",
        ERROR,
        "The history of the source is not for hosts: a web server may hand it out.",
        "Build from an export, or exclude the directory from the archive.",
        patterns=(".git", ".svn", ".hg", ".bzr", "CVS/"),
    ),
    Rule(
        "no-backups",
        "forbidden",
        WARNING,
        "A backup beside its original may be served as text, and is nobody's version.",
        "Leave it out of the build.",
        patterns=("*.bak", "*~", "*.orig", "*.rej", "*.swp"),
    ),
    Rule(
        "no-ide-files",
        "forbidden",
        WARNING,
        "The settings of somebody's editor tell of their machine, and no host needs them.",
        "Leave them out of the build.",
        patterns=(".idea/", ".vscode/", ".vs/", "*.iml", "*.suo", ".classpath", ".settings/"),
    ),
    Rule(
        "no-private-keys",
        "forbidden",
        ERROR,
        "Whoever can read the artifact has the key.",
        "Take it out, replace the key, and put the new one onto the hosts by other means.",
        patterns=("id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "*.ppk"),
        look_into=("*.pem", "*.key", "*.p8", "*.crt", "*.cer", *_TEXTS),
        contains=_KEYS,
    ),
    Rule(
        "no-environment-files",
        "forbidden",
        ERROR,
        "Such files hold passwords, and a web server may hand them out.",
        "Take it out, and give the values to the hosts by other means.",
        patterns=(".env", ".env.*"),
        unless=(".env.example", ".env.sample", ".env.template", ".env.dist"),
    ),
    Rule(
        "no-keystores",
        "forbidden",
        WARNING,
        "A store of keys may hold private ones; its content cannot be looked into.",
        "If it holds a private key, take it out. A store of certificates alone may be waived.",
        patterns=("*.p12", "*.pfx", "*.jks", "*.keystore"),
    ),
    Rule(
        "web-descriptor",
        "required",
        ERROR,
        "Without a descriptor, or classes that stand for it, Tomcat would serve plain files.",
        "Build it as a web application: WEB-INF/web.xml, annotated servlets in WEB-INF/classes, "
        "or a library with a ServletContainerInitializer in WEB-INF/lib.",
        patterns=(
            "/WEB-INF/web.xml",
            *(f"/WEB-INF/classes/{_INITIALIZER.format(one)}" for one in _SERVLETS),
            "/WEB-INF/lib/spring-boot-[0-9]*.jar",
            "/WEB-INF/lib/spring-web-[0-9]*.jar",
            "/org/springframework/boot/loader/**",
        ),
        look_into=("/WEB-INF/classes/**/*.class", "/WEB-INF/lib/*.jar"),
        contains=(
            *(f"L{one}/servlet/annotation/WebServlet;" for one in _SERVLETS),
            *(_INITIALIZER.format(one) for one in _SERVLETS),
        ),
        types=("java_web",),
    ),
    Rule(
        "web-config",
        "required",
        ERROR,
        "IIS runs an application by its web.config; without one it would serve its files.",
        "Publish the project with its web.config (dotnet publish makes one).",
        patterns=("/web.config",),
        types=("dotnet_iis",),
    ),
    Rule(
        "index-page",
        "required",
        WARNING,
        "A site without a first page answers its own address with an error.",
        "Put index.html at the top of the archive, and not into a directory of its own.",
        patterns=("/index.html", "/index.htm"),
        types=("static_site",),
    ),
    Rule(
        "health-declared",
        "probe",
        WARNING,
        "Without a probe nothing proves that a new release works.",
        "Give the template a probe.",
    ),
    Rule(
        "max-total-size",
        "max_total_size",
        WARNING,
        "A release of this size takes its time and space on every host, several times over.",
        "Leave out what the hosts do not need, or ask for a larger bound.",
        at_most_mb=2048,
    ),
    Rule(
        "max-file-size",
        "max_file_size",
        WARNING,
        "A file of this size is rarely code; what is moved each time should not hold data.",
        "Leave it out, or bring it to the hosts by other means.",
        at_most_mb=512,
    ),
    Rule(
        "max-files",
        "max_files",
        WARNING,
        "Making and removing so many files takes longer than all else in a deployment.",
        "Pack them, or leave out what the hosts do not need.",
        at_most=50_000,
    ),
    Rule(
        "no-absolute-links",
        "relative_links",
        ERROR,
        "A link to a place outside leads to whatever is there on each host; such an archive is "
        "refused there.",
        "Link by a relative path inside the release, or name the place in the configuration.",
    ),
    Rule(
        "script-encoding",
        "text",
        WARNING,
        "What is not UTF-8 reads differently on each host.",
        "Save the script as UTF-8.",
        look_into=_SCRIPTS,
        wanted="utf-8",
    ),
    Rule(
        "script-byte-order-mark",
        "text",
        ERROR,
        "With a byte order mark before its '#!' a script cannot be started.",
        "Save it as UTF-8 without a byte order mark.",
        look_into=_SCRIPTS,
        wanted="no_bom_before_shebang",
    ),
    Rule(
        "script-line-endings",
        "text",
        ERROR,
        "With the line endings of Windows the interpreter after '#!' is not found.",
        "Save it with line feeds alone (in git: *.sh text eol=lf).",
        look_into=("*.sh", "*.bash", "*.ksh"),
        wanted="lf_after_shebang",
    ),
    Rule(
        "batch-line-endings",
        "text",
        WARNING,
        "cmd.exe loses labels of a script whose lines end in line feeds alone.",
        "Save it with the line endings of Windows (in git: *.bat text eol=crlf).",
        look_into=("*.bat", "*.cmd"),
        wanted="crlf",
    ),
    Rule(
        "untouched",
        "untouched",
        WARNING,
        "What was written into a release since it was unpacked is nobody's version, and vanishes "
        "with it.",
        "Let the application write elsewhere; deploy a change instead of making it by hand.",
        unless=("__pycache__/", "*.pyc"),
    ),
)
