#!/bin/sh
# Backs up a running server by a checkpoint: enters checkpoint mode, copies the install root or has the volume's snapshot
# taken, and leaves checkpoint mode whatever happens in between.
#
#   checkpoint_backup.sh cp    ROOT TARGET             copy into the new directory TARGET
#   checkpoint_backup.sh rsync ROOT TARGET             bring the directory TARGET up to date (skips unchanged files)
#   checkpoint_backup.sh lvm   ROOT VG/LV SNAPSHOT     snapshot a logical volume
#   checkpoint_backup.sh ebs   ROOT VOLUME-ID          snapshot an EBS volume
#   checkpoint_backup.sh azure ROOT GROUP DISK NAME    snapshot a managed disk
#   checkpoint_backup.sh gcp   ROOT DISK ZONE NAME     snapshot a persistent disk
#
# TIDEMARK is the command of the server, `tidemark` by default. The server's address comes from ROOT/conf/server.conf.
#
# When checkpoint mode may be left: cp, rsync: when the copy is complete; lvm: when the command returns; AWS: once the
# snapshot is `pending`, which is what the command returns; Azure: once it is accepted (`Pending`), before the long creation;
# GCP: once the snapshot went from CREATING to UPLOADING, which is what the command with --async is polled for.
#
# Exit codes: 0 backed up and released; 1 not backed up, released; 2 wrong arguments; 3 release failed: do it by hand.
set -eu

command=${TIDEMARK:-tidemark}
usage() {
  sed -n '5,10s/^# *//p' "$0" >&2
  exit 2
}

[ $# -ge 3 ] || usage
method=$1
root=$2
shift 2
case "$method:$#" in
  cp:1 | rsync:1 | lvm:2 | ebs:1 | azure:3 | gcp:3) ;;
  *) usage ;;
esac

is_created=no
release() {
  status=$?
  trap - EXIT
  if [ "$is_created" = yes ]; then
    $command checkpoint release -d "$root" || {
      echo "RELEASE FAILED: run 'CHECKPOINT RELEASE' by hand, disk space is not reclaimed until then" >&2
      exit 3
    }
  fi
  [ "$status" -eq 0 ] || exit 1
}
trap release EXIT

# A signal waits until it is known whether there is a checkpoint of ours: one that was refused belongs to somebody else.
is_interrupted=no
trap 'is_interrupted=yes' HUP INT TERM
$command checkpoint create -d "$root"
is_created=yes
trap 'exit 1' HUP INT TERM
[ "$is_interrupted" = no ] || exit 1

case "$method" in
  cp)
    [ ! -e "$1" ] || { echo "$1 exists already" >&2; exit 1; }
    cp -a "$root" "$1"
    ;;
  rsync)
    # Times are compared to the nanosecond: files are preallocated, so one that changed keeps its size, and to the whole
    # second, rsync's default, it can keep its time too and would be skipped. Needs rsync 3.1.3.
    # 24: files vanished while they were copied; a checkpoint does not refer to those.
    rsync -a --delete --modify-window=-1 "$root"/ "$1"/ || [ $? -eq 24 ]
    ;;
  lvm) lvcreate --snapshot --name "$2" --extents 20%ORIGIN "$1" ;;
  ebs) aws ec2 create-snapshot --volume-id "$1" --description "checkpoint of $root" ;;
  azure) az snapshot create --resource-group "$1" --source "$2" --name "$3" --incremental true --no-wait ;;
  gcp)
    gcloud compute disks snapshot "$1" --zone "$2" --snapshot-names "$3" --async
    until [ "$(gcloud compute snapshots describe "$3" --format 'value(status)')" != CREATING ]; do
      sleep 2
    done
    ;;
esac
