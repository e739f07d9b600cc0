#!/bin/sh
# Copies site/ to a server by rsync over SSH and switches to it in one step, in the layout of 'kb publish': the web server
# serves RSYNC_PATH/current, and the last five releases are kept. Files that did not change are neither sent nor stored again.
#
# To go back by hand, on the server: ln -s releases/NAME .back && mv -T .back current
#
#   RSYNC_HOST       user@server
#   RSYNC_PATH       folder on the server, absolute
#   SSH_KEY          the private key, or a file with it; empty to use the keys there are
#   SSH_KNOWN_HOSTS  the server's line of known_hosts (ssh-keyscan), or a file with it; required with SSH_KEY
#   COMMIT           becomes part of the release's name
set -eu

: "${RSYNC_HOST:?names user@server}" "${RSYNC_PATH:?names the folder on the server}"
if [ ! -f site/index.html ]; then
  echo "There is no site in site/; run 'kb build' first." >&2
  exit 1
fi
case "$RSYNC_PATH" in
  /*[!A-Za-z0-9/._-]* | [!/]*) echo "RSYNC_PATH must be absolute, of letters, digits and / . _ - only" >&2; exit 2 ;;
esac

if [ -n "${SSH_KEY:-}" ]; then
  secrets=$(mktemp -d)
  trap 'rm -rf "$secrets"' EXIT
  keep() { if [ -f "$1" ]; then cat "$1"; else printf '%s\n' "$1"; fi; }
  (umask 077; keep "$SSH_KEY" >"$secrets/key"; keep "${SSH_KNOWN_HOSTS:?is needed with SSH_KEY}" >"$secrets/hosts")
  export RSYNC_RSH="ssh -i $secrets/key -o IdentitiesOnly=yes -o UserKnownHostsFile=$secrets/hosts -o StrictHostKeyChecking=yes"
fi
remote() { ${RSYNC_RSH:-ssh} "$RSYNC_HOST" "$1"; }

commit=$(printf %.10s "${COMMIT:-}")
name="$(date -u +%Y%m%dT%H%M%SZ)${commit:+-$commit}"

# A folder that holds something else is left alone.
remote "set -e; mkdir -p '$RSYNC_PATH'; cd '$RSYNC_PATH'
  if [ ! -e .babelfaq-releases ] && [ -n \"\$(ls -A)\" ]; then echo '$RSYNC_PATH holds something else' >&2; exit 1; fi
  echo 'BabelFAQ releases, format 1' > .babelfaq-releases
  mkdir -p releases; rm -rf releases/.unfinished-* .current-*"
rsync --archive --checksum --link-dest=../../current/ site/ "$RSYNC_HOST:$RSYNC_PATH/releases/.unfinished-$name/"
remote "set -e; cd '$RSYNC_PATH'
  mv 'releases/.unfinished-$name' 'releases/$name'
  sync
  ln -s 'releases/$name' '.current-$name'
  mv -T '.current-$name' current
  cd releases; ls -d 2*Z* | grep -v withdrawn | sort | head -n -5 | xargs -r rm -rf --"
echo "Published $name to $RSYNC_HOST:$RSYNC_PATH/current"
