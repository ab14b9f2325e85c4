# SPDX-License-Identifier: GPL-3.0-or-later
# sigframe-inspect.fish - completion for fish

# The ids of the checks and hazards, as the command lists them.
function __sigframe_inspect_ids
    set -l command (commandline -opc)[1]
    $command --explain 2>/dev/null |
        string replace -rf '^ *([a-z][a-z0-9-]*)  +(.*)$' '$1\t$2'
end

# The threads of all processes.
function __sigframe_inspect_tids
    string replace -rf '^/proc/[0-9]+/task/' '' /proc/*/task/*
end

# CPU models, behind a comma what changes them, and behind an @ the rules of
# kernels.
function __sigframe_inspect_targets
    set -l command (commandline -opc)[1]
    set -l value (commandline -ct | string replace -r '^(--target=|-t)' '')
    set -l cpu (string match -r '.*@' -- $value)
    set -l flags (string match -r '.*,' -- $value)
    if test -z "$cpu" -a -n "$flags"
        printf '%s\t%s\n' $flags'layout=intel' 'places of components as on Intel' \
            $flags'layout=amd' 'places of components as on AMD'
        for flag in avx mpx avx512 pku amx apx
            printf '%s\t%s\n' $flags'+'$flag 'the CPU has it' \
                $flags'-'$flag 'the CPU does not have it'
        end
        return
    end
    if test -z "$cpu"
        printf '%s\t%s\n' host 'this machine'
        $command --list-cpus 2>/dev/null |
            string replace -rf '^(\S+) +0x(?:\S+ +){4}(.*)$' '$1\t$2'
        return
    end
    printf '%s\t%s\n' $cpu'host' 'the kernel of this machine'
    $command --list-kernels 2>/dev/null | while read -l line; and test -n "$line"
        string replace -rf '^ *(R\d+) +(\S+) +(.*)$' $cpu'$1\t$2, $3' -- $line
        string replace -rf '^ *(R\d+) +(\S+) +(.*)$' $cpu'$2\t$1, $3' -- $line
    end
end

# Directories; fish itself takes the option for a part of the name.
function __sigframe_inspect_directories
    __fish_complete_directories (
        commandline -ct | string replace -r '^--(sysroot|criu)=' '')
end

set -l c complete -c sigframe-inspect

$c -s p -l pid -x -a '(__fish_complete_pids)' \
    -d 'Examine the running process PID'
$c -l tree -d 'Also the descendants of each PID'
$c -l all -d 'Examine every process that you may look at'
$c -l compare -d 'Say what differs between two inputs'
$c -l criu -x -a '(__sigframe_inspect_directories)' \
    -d 'Examine the CRIU images in DIR'
$c -s T -l tid -x -a '(__sigframe_inspect_tids)' -d 'Only the thread TID'
$c -l stop -x -a 'auto all none' -d 'Threads to stop for the look'
$c -s e -l executable -r -F -d 'The executable of the core or checkpoint'
$c -l sysroot -x -a '(__sigframe_inspect_directories)' \
    -d 'Look for the files of the core or checkpoint below DIR'
$c -l max-size -x -d 'Unpack at most SIZE bytes'
$c -l unwind -x -a 'auto all none' -d 'Threads to unwind'
$c -l dormant -x -a 'auto all none' -d 'Memory to search for parked stacks'
$c -s t -l target -r -F -a '(__sigframe_inspect_targets)' \
    -d 'Judge for CPU@KERNEL'
$c -s r -l rehearse -f -a 'present absent' \
    -d 'Also perform each return in a child'
$c -s x -l registers -d 'Print the register values in each frame'
$c -l raw -d 'Print the bytes of each frame in hex'
$c -s j -l json -f -a 'pretty lines' -d 'JSON instead of text'
$c -s s -l summary -d 'One line for each input'
$c -s q -l quiet -d 'Exit status only'
$c -l color -x -a 'auto always never' -d 'Color the text'
$c -l strict -d 'Hazards make the exit status 1, too'
$c -l export -r -F -d 'Also write the frames as a small core'
$c -l list-cpus -d 'List the CPU models that a target may name'
$c -l list-kernels -d 'List the rules that a target may name'
$c -l describe-host -d 'Print this machine as a description file'
$c -l explain -f -a '(__sigframe_inspect_ids)' \
    -d 'Say what a check or hazard means'
$c -s V -l version -d 'Print the version'
$c -s h -l help -d 'Print help'
$c -s '?' -d 'Print help'
$c -l usage -d 'Print a short usage message'
