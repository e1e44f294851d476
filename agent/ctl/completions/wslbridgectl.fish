# SPDX-License-Identifier: MIT
#
# Completion of wslbridgectl(1) for fish.

set -l commands status list expose unexpose wait reload check doctor pair setup

function __wslbridgectl_names
    wslbridgectl list 2>/dev/null | awk 'NR > 1 { print $1 }'
end

complete -c wslbridgectl -f
complete -c wslbridgectl -l root -xa '(__fish_complete_directories)' -d 'Look up all files below'
complete -c wslbridgectl -s h -l help -d 'Show a short help'
complete -c wslbridgectl -l version -d 'Show the version'

set -l none "not __fish_seen_subcommand_from $commands"
complete -c wslbridgectl -n $none -a status -d 'Show agent, helper and services'
complete -c wslbridgectl -n $none -a list -d 'List all configured services'
complete -c wslbridgectl -n $none -a expose -d 'Make a port reachable through the host'
complete -c wslbridgectl -n $none -a unexpose -d 'Undo expose'
complete -c wslbridgectl -n $none -a wait -d 'Wait until services are active'
complete -c wslbridgectl -n $none -a reload -d 'Let the agent read all files again'
complete -c wslbridgectl -n $none -a check -d 'Check the configuration'
complete -c wslbridgectl -n $none -a doctor -d 'Show what is wrong and how to correct it'
complete -c wslbridgectl -n $none -a pair -d 'Store the key from standard input'
complete -c wslbridgectl -n $none -a setup -d 'Set up Windows and this distro'

set -l seen __fish_seen_subcommand_from
complete -c wslbridgectl -n "$seen status unexpose wait" -a '(__wslbridgectl_names)'
complete -c wslbridgectl -n "$seen status list doctor setup" -l json -d 'Print JSON'
complete -c wslbridgectl -n "$seen expose unexpose wait reload" -l timeout -x -d 'Wait no longer than this'
complete -c wslbridgectl -n "$seen expose unexpose" -l no-wait -d 'Do not wait for the host'\''s answer'
complete -c wslbridgectl -n "$seen expose unexpose" -l force -d 'Also replace or remove a file that was made by hand'
complete -c wslbridgectl -n "$seen expose" -l name -x -d 'Name of the service'
complete -c wslbridgectl -n "$seen expose" -l description -x -d 'Description for people'
complete -c wslbridgectl -n "$seen expose" -l listen -x -d 'Address of the host'
complete -c wslbridgectl -n "$seen expose" -l client-address -xa 'hidden proxy-v2' -d 'How the service learns it'
complete -c wslbridgectl -n "$seen expose" -l loopback -d 'The service listens on 127.0.0.1 only'
complete -c wslbridgectl -n "$seen expose" -l forwarder -xa 'auto relay' -d 'What forwards on Windows'
complete -c wslbridgectl -n "$seen expose" -l firewall -xa 'private domain public none' -d 'Profiles to open'
complete -c wslbridgectl -n "$seen expose" -l remote -xa 'LocalSubnet any' -d 'Who may connect'
complete -c wslbridgectl -n "$seen pair" -l confirm -d 'Use the key only when the host has it, too'
complete -c wslbridgectl -n "$seen setup" -l dry-run -d 'Only say what would be done'
complete -c wslbridgectl -n "$seen setup" -l yes -d 'Ask nothing'
complete -c wslbridgectl -n "$seen setup" -l keep-alive -d 'Keep the distro running'
complete -c wslbridgectl -n "$seen setup" -l at-logon -d 'Start the distro when its user logs on'
complete -c wslbridgectl -n "$seen setup" -l import -d 'Turn port forwardings of others into services'
complete -c wslbridgectl -n "$seen setup" -l undo -d 'Take everything back'
