"""Print the completion of these commands for a shell, to be kept where the shell looks for it:

bash  lamina completion bash > ~/.local/share/bash-completion/completions/lamina
zsh   lamina completion zsh > ~/.zfunc/_lamina            (with fpath+=~/.zfunc before compinit)
fish  lamina completion fish > ~/.config/fish/completions/lamina.fish
"""

from __future__ import annotations

import argparse

from lamina.cli import COMMANDS, parser_of

EXAMPLE = 'eval "$(lamina completion bash)"'
FAILURES: tuple[type[Exception], ...] = ()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("shell", choices=("bash", "zsh", "fish"))


def execute(given: argparse.Namespace) -> int:
    """Print the script."""
    print({"bash": bash, "zsh": zsh, "fish": fish}[given.shell]())
    return 0


def options() -> dict[str, dict[str, str]]:
    """Command -> option or choice -> what it does."""
    return {name: _options_of(name) for name in COMMANDS}


def _options_of(name: str) -> dict[str, str]:
    found = {}
    for action in parser_of(name)._actions:
        if action.help == argparse.SUPPRESS:
            continue
        help_text = (action.help or "").replace("'", "").replace("`", "")
        for word in action.option_strings or action.choices or ():
            found[str(word)] = help_text
    return found


def bash() -> str:
    """A function that `complete` calls: commands first, then options and files."""
    cases = "\n".join(f"    {name}) words='{' '.join(words)}' ;;" for name, words in options().items())
    return f"""_lamina() {{
  local current="${{COMP_WORDS[COMP_CWORD]}}" words=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "{" ".join(COMMANDS)} --help --version" -- "$current"))
    return
  fi
  case "${{COMP_WORDS[1]}}" in
{cases}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current") $(compgen -f -- "$current"))
}}
complete -o filenames -F _lamina lamina"""


def zsh() -> str:
    """A function for `compinit`."""
    listed = "\n".join(f"    '{name}:{_plain(text)}'" for name, text in COMMANDS.items())
    cases = "\n".join(f"    {name}) compadd -- {' '.join(words)} ;;" for name, words in options().items())
    return f"""#compdef lamina
_lamina() {{
  local -a commands
  commands=(
{listed}
  )
  if (( CURRENT == 2 )); then
    _describe 'command' commands
    return
  fi
  case $words[2] in
{cases}
  esac
  _files
}}
compdef _lamina lamina"""


def fish() -> str:
    """`complete` lines."""
    lines = ["complete -c lamina -n __fish_use_subcommand -f"]
    for name, text in COMMANDS.items():
        lines.append(f"complete -c lamina -n __fish_use_subcommand -a {name} -d '{_plain(text)}'")
        for word, what in options()[name].items():
            kind = (
                f"-l {word[2:]}"
                if word.startswith("--")
                else f"-s {word[1:]}"
                if word.startswith("-")
                else f"-a {word}"
            )
            lines.append(f"complete -c lamina -n '__fish_seen_subcommand_from {name}' {kind} -d '{what}'")
    return "\n".join(lines)


def _plain(text: str) -> str:
    return text.replace("'", "").replace("`", "")
