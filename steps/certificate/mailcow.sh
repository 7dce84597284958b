cd /opt/mailcow-dockerized/data/assets/ssl 2>/dev/null || { echo 'taken, but there is no Mailcow in /opt/mailcow-dockerized yet'; exit 1; }
	for f in cert.pem key.pem; do [ -e "$state/$f" ] || [ ! -e "$f" ] || cp -p "$f" "$state/$f"; done
	sed -n '/-BEGIN .*PRIVATE KEY-/,/-END .*PRIVATE KEY-/p' "$mine" >key.pem.new
	sed -n '/-BEGIN CERTIFICATE-/,/-END CERTIFICATE-/p' "$mine" >cert.pem.new
	for f in key.pem cert.pem; do
		if [ -e "$f" ]; then chmod --reference="$f" "$f.new"; chown --reference="$f" "$f.new"; fi
		sync "$f.new" && mv -f "$f.new" "$f" || { echo "taken, but $PWD/$f cannot be written"; exit 1; }
	done
	for s in postfix-mailcow dovecot-mailcow nginx-mailcow; do
		i=$(docker ps -q --filter "label=com.docker.compose.service=$s") && { [ -z "$i" ] || docker restart $i >/dev/null; } || { echo "taken, but $s cannot be started anew"; exit 1; }
	done
