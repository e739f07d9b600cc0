#!/bin/sh
# Copies site/ to storage that speaks S3 (Amazon, Cloudflare R2, MinIO, Hetzner, …) with rclone.
#
# Storage knows no switch of folders, so the order makes up for it: first what pages need, then the pages, and only then
# is removed what is no longer there. At no moment does a page name a file that is missing.
#
#   S3_BUCKET     bucket, and a folder in it where wanted: help, or shop/help
#   S3_ENDPOINT   address of the storage; empty for Amazon
#   S3_REGION     region; empty where there is none
#   AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY
#   RCLONE_TARGET another rclone target instead of all these (rclone.org/docs)
set -eu

if [ ! -f site/index.html ]; then
  echo "There is no site in site/; run 'kb build' first." >&2
  exit 1
fi

export RCLONE_CONFIG_STORAGE_TYPE=s3
export RCLONE_CONFIG_STORAGE_ENV_AUTH=true
export RCLONE_CONFIG_STORAGE_PROVIDER="${S3_PROVIDER:-Other}"
export RCLONE_CONFIG_STORAGE_ENDPOINT="${S3_ENDPOINT:-}"
export RCLONE_CONFIG_STORAGE_REGION="${S3_REGION:-}"
target="${RCLONE_TARGET:-storage:${S3_BUCKET:?names the bucket}}"

rclone copy --checksum --exclude '*.html' site "$target"
rclone copy --checksum --include '*.html' site "$target"
rclone sync --checksum --delete-after site "$target"
echo "Published to $target"
