# SPDX-License-Identifier: MIT
#
# Completion of wslbridgectl(1) for fish.

set -l commands status list expose unexpose wait check doctor pair

function __wslbridgectl_names
    wslbridgectl list 2>/dev/null | awk 'NR > 1 { print $1 }'
end

complete -c wslbridgectl -f
complete -c wslbridgectl -l root -xa '(__fish_complete_directories)' -d 'Look up all files below'
complete -c wslbridgectl -s h -l help -d 'Show a short help'
complete -c wslbridgectl -l version -d 'Show the version'

set -l none "not __fish_seen_subcommand_from $commands"
complete -c wslbridgectl -n $none -a status -d 'Show the agent, the helper and the services'
complete -c wslbridgectl -n $none -a list -d 'List all services'
complete -c wslbridgectl -n $none -a expose -d 'Make a port reachable through the host'
complete -c wslbridgectl -n $none -a unexpose -d 'Undo that'
complete -c wslbridgectl -n $none -a wait -d 'Wait until services are active'
complete -c wslbridgectl -n $none -a check -d 'Check the configuration'
complete -c wslbridgectl -n $none -a doctor -d 'Tell what is wrong, and what to do'
complete -c wslbridgectl -n $none -a pair -d 'Store the key that standard input has'

set -l seen __fish_seen_subcommand_from
complete -c wslbridgectl -n "$seen status unexpose wait" -a '(__wslbridgectl_names)'
complete -c wslbridgectl -n "$seen status list doctor" -l json -d 'Output for programs'
complete -c wslbridgectl -n "$seen expose unexpose wait" -l timeout -x -d 'Wait no longer'
complete -c wslbridgectl -n "$seen expose unexpose" -l no-wait -d 'Do not wait for the answer'
complete -c wslbridgectl -n "$seen expose unexpose" -l force -d 'Also a file made by hand'
complete -c wslbridgectl -n "$seen expose" -l name -x -d 'Name of the service'
complete -c wslbridgectl -n "$seen expose" -l description -x -d 'For people'
complete -c wslbridgectl -n "$seen expose" -l listen -x -d 'Address of the host'
complete -c wslbridgectl -n "$seen expose" -l firewall -xa 'private domain public none' -d 'Profiles'
complete -c wslbridgectl -n "$seen expose" -l remote -xa 'LocalSubnet any' -d 'Who may connect'
