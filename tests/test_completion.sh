#!/usr/bin/env bash
# What shells complete, and that the scripts are those of the options: test_completion.sh PROGRAM SOURCE_DIR
. "$(dirname "$0")/shell.sh"

for script in bash:pixelrnn.bash zsh:_pixelrnn fish:pixelrnn.fish; do
    run 0 "help --completion ${script%%:*}" help --completion "${script%%:*}"
    cp out.txt "${script#*:}"
    check "completions/${script#*:} is what it prints" cmp -s out.txt "$source_dir/completions/${script#*:}"
done
run 2 "an unknown shell" help --completion tcsh
has "says which there are" "'tcsh' is not one of bash|zsh|fish" err.txt
run 2 "no shell" help --completion
has "says so too" "needs a value" err.txt

touch model.safetensors "a file.npy"
mkdir folder

# --------------------------------------------------------------------------------------------- bash

# A shell without settings, as `complete` and Tab would call the function.
cat >ask.bash <<'END'
source ./pixelrnn.bash
complete -p pixelrnn >registered.txt
# --name=VALUE is three words for bash
COMP_WORDS=()
for word in "$@"; do
    case $word in
    --*=*) COMP_WORDS+=("${word%%=*}" = "${word#*=}") ;;
    *) COMP_WORDS+=("$word") ;;
    esac
done
[ -n "${COMP_WORDS[-1]}" ] || [ "${COMP_WORDS[-2]}" != = ] || unset 'COMP_WORDS[-1]'
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_pixelrnn
[ ${#COMPREPLY[@]} -eq 0 ] || printf '%s\n' "${COMPREPLY[@]}"
END

# bash_says EXPECTED WORDS...: what is offered for the last word, sorted, in one line.
bash_says() {
    local expected=$1 got
    shift
    got=$(bash --norc --noprofile ask.bash "$@" 2>bash.txt | LC_ALL=C sort | tr '\n' '|')
    [ ! -s bash.txt ] || bad "bash: $(head -1 bash.txt)"
    if [ "$got" = "$expected" ]; then ok "bash: $*"; else bad "bash: $* (offers $got)"; fi
}

bash_says "eval|" pixelrnn ev
check "complete -p knows the program" grep -q -x "complete -F _pixelrnn pixelrnn" registered.txt
bash_says "compare|complete|compress|" pixelrnn com
bash_says "cnn|diagonal|row|" pixelrnn train --kind ""
bash_says "row|" pixelrnn train --kind r
bash_says "row|" pixelrnn train --kind=r
bash_says "cnn|diagonal|row|" pixelrnn train --kind=
bash_says "--skip|" pixelrnn train --sk
bash_says "--precision|--preset|" pixelrnn train --pre
bash_says "imagenet32-row|imagenet64-row|" pixelrnn train --preset i
bash_says "" pixelrnn train --layers ""
bash_says "model.safetensors|" pixelrnn eval mo
bash_says "a file.npy|" pixelrnn eval model.safetensors --data "a "
bash_says "folder|" pixelrnn eval model.safetensors --data=fo
bash_says "--scores|--seed|--size|--sort|" pixelrnn eval model.safetensors --s
bash_says "best|none|worst|" pixelrnn eval model.safetensors --sort ""
bash_says "model.safetensors|" pixelrnn compare model.safetensors m
bash_says "heat|help|histogram|" pixelrnn h
bash_says "heat|histogram|" pixelrnn help h
bash_says "" pixelrnn nothing --d
sed -i 's/^complete/#&/' pixelrnn.bash # the rest is about words
commands=$(bash --norc --noprofile ask.bash pixelrnn "" 2>/dev/null)
"$program" --help >help.txt
sed -n 's/^  \([a-z]*\)  *.*/\1/p' help.txt >names.txt
check "the help lists commands" test "$(wc -l <names.txt)" -gt 12
while read -r command; do
    check "bash offers $command" grep -q -x "$command" <<<"$commands"
    [ "$command" != help ] || continue
    "$program" "$command" --help | sed -n 's/^  \(--[a-z0-9-]*\).*/\1/p' | LC_ALL=C sort -u >options.txt
    check "and its options" cmp -s options.txt \
        <(bash --norc --noprofile ask.bash pixelrnn "$command" -- 2>/dev/null | LC_ALL=C sort -u)
done <names.txt

# ------------------------------------------------------------------------------------ zsh and fish

# The real completion, in a terminal of its own: what a Tab at the end of the line $1 makes of it and lists.
cat >ask.zsh <<'END'
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PS1=; fpath=($PWD \$fpath); autoload -Uz compinit; compinit -u -d $PWD/zdump; setopt list_ambiguous"
zpty -w shell "unsetopt zle_bracketed_paste prompt_sp; print ST''ART"
zpty -r shell line "*START*"
zpty -w -n shell "$1"$'\t\t\t'
for (( tries = 0; tries < 200; tries++ )); do
    sleep 0.1
    while zpty -r -t shell part; do
        line+=$part
        tries=190
    done
done
zpty -d shell
print -r -- "${line##*START}"
END

# zsh_says PATTERN LINE
zsh_says() {
    zsh -f ask.zsh "$2" >zsh.txt 2>&1
    if grep -q -a -e "$1" zsh.txt; then ok "zsh: $2"; else bad "zsh: $2 ($(tr -d '\n' <zsh.txt | tail -c 300))"; fi
}

if command -v zsh >/dev/null; then
    check "zsh reads its script" zsh -f -n ./_pixelrnn
    zsh_says "diagonal" "pixelrnn train --kind d"
    zsh_says "scores" "pixelrnn eval --sc"
    zsh_says "safetensors" "pixelrnn eval mod"
    zsh_says "compare.*which of two models" "pixelrnn co"
else
    echo "no zsh"
fi

# fish_says EXPECTED LINE: what is offered at the end of a command line.
fish_says() {
    local got
    got=$(HOME=$PWD XDG_CONFIG_HOME=$PWD fish --no-config -c "source ./pixelrnn.fish; complete -C '$2'" | cut -f1 |
        LC_ALL=C sort | tr '\n' '|')
    if [ "$got" = "$1" ]; then ok "fish: $2"; else bad "fish: $2 (offers $got)"; fi
}

if command -v fish >/dev/null; then
    check "fish reads its script" fish --no-execute ./pixelrnn.fish
    fish_says "cnn|diagonal|row|" "pixelrnn train --kind "
    fish_says "--kind=cnn|--kind=diagonal|--kind=row|" "pixelrnn train --kind="
    fish_says "compare|complete|compress|convert|" "pixelrnn co"
    fish_says "--scores|--seed|--size|--sort|" "pixelrnn eval m --s"
    fish_says "model.safetensors|" "pixelrnn eval mod"
    fish_says "folder/|" "pixelrnn eval m --data fo"
    fish_says "heat|histogram|" "pixelrnn help h"
else
    echo "no fish"
fi

finish
