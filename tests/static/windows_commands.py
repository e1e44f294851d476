# SPDX-License-Identifier: MIT
"""What Windows' own programs take on their command lines, for the commands that our texts name.

There is no Windows here to ask, so these tables are written from Microsoft's documentation, below
https://learn.microsoft.com/windows-server/administration/windows-commands/ where no other page is
named. They have only what our texts use or may soon use: extend them from the same pages."""
import re

ANY = "x"  # what the program fills in

# In Windows PowerShell these names are aliases of cmdlets and hide the programs: 'sc' is
# Set-Content, so 'sc start x' writes a file (PowerShell/PowerShell#3980; about_Aliases).
HIDDEN_BY_ALIASES = {"sc", "fc", "where", "sort", "curl", "wget"}

# sc-config, sc-query; 'Configuring a Service Using SC' (windows/win32/services)
SC_SERVICE_ONLY = {"start", "stop", "qc", "query", "queryex", "qprivs", "sdshow", "delete",
                   "enumdepend", "qfailure", "qtriggerinfo", "qsidtype", "showsid"}
SC_SID_TYPES = {"none", "restricted", "unrestricted"}
SC_CONFIG = {"start=": {"boot", "system", "auto", "demand", "disabled", "delayed-auto"},
             "depend=": None, "type=": {"own", "share"}, "obj=": None}

# reg-add, reg-delete, reg-query. True: a value follows.
REG = {"add": {"/v": True, "/ve": False, "/t": True, "/s": True, "/d": True, "/f": False},
       "delete": {"/v": True, "/ve": False, "/va": False, "/f": False},
       "query": {"/v": True, "/ve": False, "/s": False, "/t": True}}
REG_TYPES = {"REG_SZ", "REG_MULTI_SZ", "REG_DWORD", "REG_EXPAND_SZ"}
REG_ROOTS = {"HKLM", "HKCU", "HKCR", "HKU", "HKCC"}

# netsh-interface-portproxy, netsh-http, netsh-advfirewall (networking/technologies/netsh), and
# 'netsh interface ipv4 show excludedportrange ?'. The words, then the tags that may follow.
PORTPROXY = "v4tov4|v4tov6|v6tov4|v6tov6"
NETSH = {
    "interface portproxy show all": "",
    f"interface portproxy show (?:{PORTPROXY})": "",
    f"interface portproxy (?:add|set) (?:{PORTPROXY})":
        "listenaddress|listenport|connectaddress|connectport|protocol",
    f"interface portproxy delete (?:{PORTPROXY})": "listenaddress|listenport|protocol",
    "interface ipv[46] show excludedportrange": "protocol|store",
    "http show servicestate": "view|verbose",
    "http show urlacl": "url",
    "http show iplisten": "",
    "advfirewall show (?:all|current|domain|private|public)profiles?": "",
    "advfirewall set (?:all|current|domain|private|public)profiles? state (?:on|off)": "",
    "advfirewall firewall show rule": "name|dir|profile|type|verbose",
    "advfirewall firewall delete rule":
        "name|dir|profile|program|service|localip|remoteip|localport|remoteport|protocol",
}

# 'Basic commands for WSL' (windows/wsl/basic-commands), and 'wsl --help'
WSL = [r"", r"--shutdown", r"--update(?: --web-download)?", r"--version", r"--status",
       r"(?:--list|-l)(?: (?:--verbose|-v|--running|--quiet|-q|--online|-o|--all))*",
       r"--install(?: (?:-d|--distribution))?(?: [\w.-]+)?", r"(?:--terminate|-t) [\w.-]+",
       r"--set-version [\w.-]+ [12]", r"--set-default [\w.-]+",
       r"(?:(?:-d|--distribution) [\w.-]+ ?)?(?:(?:-u|--user) \w+ ?)?(?:(?:-e|--exec|--) .+)?"]

# Programs with a plain list of options. True: a value follows.
PLAIN = {
    "tasklist": {"/svc": False, "/fi": True, "/fo": True, "/nh": False, "/v": False},
    "taskkill": {"/pid": True, "/im": True, "/f": False, "/t": False},
    "shutdown": {"/r": False, "/s": False, "/t": True, "/f": False},
    "gpupdate": {"/force": False, "/target:computer": False},
    "gpresult": {"/r": False, "/h": True, "/scope": True},
    "netstat": {"-a": False, "-n": False, "-o": False, "-b": False, "-ano": False},
    "ipconfig": {"/all": False},
}
CONSOLES = {"services.msc", "wf.msc", "eventvwr.msc", "taskmgr", "regedit"}

# powershell/module/netsecurity, netconnection, microsoft.powershell.management
CMDLETS = {
    "New-NetFirewallHyperVRule": "Name|DisplayName|Direction|VMCreatorId|Protocol|LocalPorts|Action",
    "Get-NetFirewallHyperVRule": "Name|VMCreatorId",
    "Set-NetFirewallHyperVVMSetting": "Name|DefaultInboundAction|Enabled|AllowHostPolicyMerge",
    "Get-NetFirewallRule": "Name|DisplayName|Group|Enabled|Action|PolicyStore",
    "Set-NetFirewallProfile": "Name|Profile|Enabled|DefaultInboundAction|AllowInboundRules|All",
    "Get-NetFirewallProfile": "Name|Profile|PolicyStore|All",
    "Get-NetConnectionProfile": "Name|InterfaceAlias|InterfaceIndex",
    "Set-NetConnectionProfile": "Name|InterfaceAlias|InterfaceIndex|NetworkCategory",
    "Get-Service": "Name", "Start-Service": "Name", "Stop-Service": "Name|Force",
    "Restart-Service": "Name|Force", "Unblock-File": "Path", "Get-Process": "Id|Name",
}


def with_options(words, options, what):
    """What is wrong with @words after the words of a command: an option that is not in @options,
    or one without its value. Return: (error or None, words that are no options)."""
    rest, words = [], list(words)
    while words:
        word = words.pop(0)
        if not word.startswith(("/", "-")):
            rest.append(word)
        elif word.lower() not in options:
            return f"{what} has no option {word}", rest
        elif options[word.lower()] and not words:
            return f"{what}: {word} lacks its value", rest
        elif options[word.lower()]:
            words.pop(0)
    return None, rest


def check_sc(words):
    verb, *rest = words or [""]
    if verb in SC_SERVICE_ONLY:
        return None if len(rest) == 1 else f"sc.exe {verb} takes the name of one service"
    if verb == "privs":
        return None if len(rest) == 2 else "sc.exe privs NAME PRIVILEGE/PRIVILEGE"
    if verb == "sidtype":
        return None if len(rest) == 2 and rest[1] in SC_SID_TYPES else "sc.exe sidtype NAME TYPE"
    if verb != "config":
        return f"sc.exe has no command '{verb}'"
    if len(rest) < 3 or len(rest) % 2 != 1:
        return "sc.exe config NAME option= VALUE: a space after '=', none before it"
    for option, value in zip(rest[1::2], rest[2::2]):
        if option not in SC_CONFIG:
            return f"sc.exe config has no option {option}"
        if SC_CONFIG[option] and value not in SC_CONFIG[option]:
            return f"sc.exe config {option} has no value {value}"
    return None


def check_reg(words):
    if not words or words[0] not in REG:
        return f"reg.exe has no command '{' '.join(words[:1])}'"
    error, rest = with_options(words[1:], REG[words[0]], f"reg.exe {words[0]}")
    if error:
        return error
    if len(rest) != 1 or rest[0].split("\\")[0] not in REG_ROOTS:
        return "reg.exe takes one key, below HKLM or another root"
    if "/t" in words and words[words.index("/t") + 1] not in REG_TYPES:
        return f"reg.exe has no type {words[words.index('/t') + 1]}"
    if words[0] in ("add", "delete") and "/f" not in words:
        return f"reg.exe {words[0]} asks before it overwrites or deletes a value: add /f"
    return None


def check_netsh(words):
    tags = [w for w in words if "=" in w]
    plain = " ".join("v4tov4" if w == ANY else w for w in words if "=" not in w)
    for pattern, names in NETSH.items():
        if re.fullmatch(pattern, plain):
            wrong = [t for t in tags if not re.fullmatch(f"(?:{names})=.+", t)]
            return f"'netsh {plain}' does not take {wrong}" if wrong else None
    return f"netsh has no command '{plain}'"


def check_wsl(words):
    text = " ".join(words)
    return None if any(re.fullmatch(p, text) for p in WSL) else f"wsl.exe does not take '{text}'"


def check_cmdlet(words):
    name, parameters = words[0], CMDLETS.get(words[0])
    if parameters is None:
        return f"the table has no cmdlet {name}"
    wrong = [w for w in words[1:] if w.startswith("-")
             and not re.fullmatch(f"-(?:{parameters})", w)]
    return f"{name} has no parameter {wrong}" if wrong else None


def check_powershell(words):
    if words[:1] != ["-Command"] or len(words) != 2:
        return 'write: powershell.exe -Command "CMDLET ..."'
    return check_cmdlet(words[1].split())


# 'Net start' and 'net stop' (previous-versions/windows, Net services overview)
def check_net(words):
    good = len(words) == 2 and words[0] in ("start", "stop")
    return None if good else f"net.exe does not take '{' '.join(words)}'"


def plain_check(name):
    return lambda words: with_options(words, PLAIN[name], name)[0]


CHECKS = {"sc": check_sc, "reg": check_reg, "netsh": check_netsh, "wsl": check_wsl,
          "powershell": check_powershell, "net": check_net,
          **{name: plain_check(name) for name in PLAIN},
          **{name: lambda words: "takes nothing" if words else None for name in CONSOLES}}
VERBS = {"sc": SC_SERVICE_ONLY | {"config", "privs", "sidtype"}, "reg": set(REG), "net": {"start", "stop"},
         "netsh": {"interface", "http", "advfirewall"},
         "wsl": {"--import", "--import-in-place", "--export", "--unregister", "--list"}}
