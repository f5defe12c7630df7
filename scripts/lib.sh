# shellcheck shell=bash
# What the scripts share: finding JDK 25, installing Debian packages, building the agent. Sourced, never run. Sets root, jar, aot,
# aot_commands and cli_options.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
jar=$root/agent/target/cached-downloads.jar
# What the JVM prepared for this jar. It does not look whether the jar has changed since (25.0.3), and would run classes of the old one:
# to be used only while it is newer than the jar.
aot=$root/agent/target/cached-downloads.aot
aot_commands=$root/agent/target/commands.aot # the same for the commands, which load other classes than serve
cli_options=$root/agent/src/dist/cli.options
PATH=$PATH:/usr/sbin:/sbin # nginx lives there, which is not on everybody's path

say() { printf '%s\n' "$*" >&2; }

die() {
  say "${0##*/}: $*"
  exit 1
}

# Prints the comment at the head of the calling script: its help.
usage() { sed -n '2,/^[^#]/{s/^# \{0,1\}//p;}' "$0"; }

# --- JDK 25 ---------------------------------------------------------------------------------------------------------

is_jdk25() {
  local line
  [[ -x $1/bin/java && -x $1/bin/javac && -r $1/release ]] || return 1
  while read -r line; do
    [[ $line =~ ^JAVA_VERSION=\"25[\".] ]] && return 0
  done <"$1/release"
  return 1
}

# Sets jdk to the home of a JDK 25: JAVA_HOME, then where the distributions put theirs, then the java on the path.
find_jdk() {
  local home java
  for home in "${JAVA_HOME:-}" /usr/lib/jvm/*; do
    if [[ -n $home ]] && is_jdk25 "$home"; then
      jdk=$home
      return
    fi
  done
  if java=$(command -v java) && home=$(dirname "$(dirname "$(readlink -f "$java")")") && is_jdk25 "$home"; then
    jdk=$home
    return
  fi
  die "no JDK 25 found: install one, such as the package temurin-25-jdk or openjdk-25-jdk-headless, or point JAVA_HOME at it."
}

# Makes Maven itself run on JDK 25 (the formatter needs that), without the JVM's warnings about Maven's own libraries.
use_jdk_for_maven() {
  find_jdk
  export JAVA_HOME=$jdk
  export MAVEN_OPTS="${MAVEN_OPTS:-} --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow"
}

# --- Debian packages ------------------------------------------------------------------------------------------------

# Programs for disks may lie where only root's path leads.
has_tool() {
  PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null
}

is_present() {
  case $1 in
    busybox-static) command -v busybox >/dev/null && ! ldd "$(command -v busybox)" >/dev/null 2>&1 ;;
    nginx-light) command -v nginx >/dev/null ;;
    nghttp2-client) command -v h2load >/dev/null ;;
    maven) command -v mvn >/dev/null ;;
    groff-base) command -v groff >/dev/null ;;
    xfsprogs) has_tool mkfs.xfs ;;
    xz-utils) has_tool xz ;;
    e2fsprogs) has_tool mkfs.ext4 ;;
    systemd) command -v systemd-analyze >/dev/null ;;
    perl-base) command -v perl >/dev/null ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

# require PACKAGE…: installs those whose program is missing, or stops with the line to type.
require() {
  local package missing=()
  for package; do
    is_present "$package" || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  local line="apt-get install -y --no-install-recommends ${missing[*]}"
  command -v apt-get >/dev/null || die "please install first: ${missing[*]}"
  ((EUID == 0)) || die "please type first: sudo $line"
  mkdir -p "$root/var"
  say "Installing ${missing[*]} …"
  install_quietly "${missing[@]}" || die "installing failed, see var/install.log; the line was: apt-get update && $line"
  for package in "${missing[@]}"; do
    is_present "$package" || die "the package $package is installed, but its program is not on the path"
  done
}

# Installs packages without starting or enabling a service they bring: only their programs are wanted.
install_quietly() (
  exec >"$root/var/install.log" 2>&1
  export DEBIAN_FRONTEND=noninteractive
  policy=/usr/sbin/policy-rc.d # what Debian asks before it starts a service
  if [[ ! -e $policy ]]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 1' INT TERM HUP
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
  fi
  apt=(apt-get -o DPkg::Lock::Timeout=120)
  install=("${apt[@]}" install -y --no-install-recommends "$@")
  "${install[@]}" || { "${apt[@]}" update && "${install[@]}"; } || exit 1
  for package; do
    case $package in
      nginx-light) service=nginx.service ;;
      prometheus) service=prometheus.service ;;
      *) continue ;;
    esac
    ! command -v systemctl >/dev/null || systemctl --quiet disable "$service" || true
  done
)

# --- The agent ------------------------------------------------------------------------------------------------------

is_built() {
  [[ -e $jar ]] && [[ -z $(find "$root/agent/src/main" "$root/agent/pom.xml" "$root/pom.xml" -newer "$jar" -print -quit) ]]
}

# Records from the short life of an agent what the JVM can prepare for its starts: they take about half the processor time.
# It fetches from itself, on a port that is free with luck; without the record everything works as well.
record_start() (
  dir=$(mktemp -d)
  agent=
  trap '[[ -z $agent ]] || kill -KILL "$agent"; rm -rf "$dir"' EXIT
  port=$((20000 + RANDOM % 12000))
  printf '%s\n' "state: '$dir/state'" "socket: {path: '$dir/s'}" "metrics: {address: '127.0.0.1:$port'}" >"$dir/config.yaml"
  rm -f "$aot" "$aot_commands"
  "$jdk/bin/java" -XX:AOTCacheOutput="$aot" "@$root/scripts/jvm.options" -jar "$jar" serve --config "$dir/config.yaml" \
    >"$root/var/record.log" 2>&1 &
  agent=$!
  ask() { curl -sf -m 10 -o /dev/null --unix-socket "$dir/s" "$@"; }
  for ((i = 0; i < 600; i++)); do
    ! ask http://localhost/readyz || break
    sleep 0.1
  done
  ask -X PUT -d "{\"url\":\"http://127.0.0.1:$port/livez\"}" http://localhost/v1/containers/record/downloads/a || return
  ask http://localhost/v1/containers/record && ask http://localhost/v1/entries && ask http://localhost/v1/stats || return
  "$jdk/bin/java" -XX:AOTCacheOutput="$aot_commands" "@$cli_options" -jar "$jar" top --once --socket "$dir/s" \
    >>"$root/var/record.log" 2>&1 || rm -f "$aot_commands"
  kill "$agent" && wait "$agent" && agent= && [[ -s $aot ]]
)

# Builds the agent if a source is newer than its jar. Of several callers at once, one builds and the others wait for it.
build_agent() {
  is_built && return
  mkdir -p "$root/var"
  local lock
  exec {lock}>"$root/var/build.lock"
  flock "$lock"
  if ! is_built; then
    require maven
    (
      use_jdk_for_maven
      say "Building the agent … (the first time fetches its libraries)"
      touch "$root/var/build.start"
      rm -f "$jar" # an agent that runs keeps the old file, and does not find another one under its feet
      cd "$root"
      if ! mvn -B -pl agent -Dmaven.test.skip=true package >var/build.log 2>&1 {lock}>&-; then
        sed -n '/^\[\(ERROR\|WARNING\)\]/p; /Failed to execute goal/q' var/build.log >&2
        die "the build failed; all of its output is in $root/var/build.log"
      fi
      touch -r var/build.start "$jar" # what was edited meanwhile is newer
      record_start {lock}>&- || rm -f "$aot"
    ) </dev/null
  fi
  exec {lock}>&-
}
