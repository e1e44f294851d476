# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Completion of wslbridgectl(1) for bash.

_wslbridgectl_names() {
    wslbridgectl list 2>/dev/null | awk 'NR > 1 { print $1 }'
}

_wslbridgectl() {
    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local command='' words='' i
    local always='--root= --help --version'

    # bash takes '=' for a word of its own.
    [ "$word" != = ] || word=''
    [ "$previous" != = ] || previous=${COMP_WORDS[COMP_CWORD - 2]}
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        status | list | expose | unexpose | wait | reload | check | doctor | pair | setup)
            command=${COMP_WORDS[i]}
            break
            ;;
        esac
    done
    case $previous in
    --firewall) words='private domain public none' ;;
    --client-address) words='hidden proxy-v2' ;;
    --forwarder) words='auto relay' ;;
    --remote) words='LocalSubnet any' ;;
    --root)
        mapfile -t COMPREPLY < <(compgen -d -- "$word")
        return
        ;;
    --name | --description | --listen | --timeout) return ;;
    *)
        case $command:$word in
        :-*) words=$always ;;
        :*) words='status list expose unexpose wait reload check doctor pair setup' ;;
        status:-*) words="--json $always" ;;
        list:-* | doctor:-*) words="--json $always" ;;
        expose:-*)
            words="--name= --description= --listen= --client-address= --loopback --forwarder="
            words+=" --firewall= --remote= --force --no-wait --timeout= $always"
            ;;
        unexpose:-*) words="--force --no-wait --timeout= $always" ;;
        wait:-* | reload:-*) words="--timeout= $always" ;;
        check:-*) words=$always ;;
        pair:-*) words="--confirm $always" ;;
        setup:-*)
            words="--dry-run --yes --keep-alive --at-logon --import --undo --json $always"
            ;;
        status:* | unexpose:* | wait:*) words=$(_wslbridgectl_names) ;;
        esac
        ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
    [[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace
}

complete -F _wslbridgectl wslbridgectl
