# sound says why a file with a key and its certificate must not be taken; it is silent where nothing speaks against it.
sound() {
	of_key=$(openssl pkey -in "$1" -passin pass: -pubout 2>/dev/null) || { echo 'its key cannot be read'; return; }
	of_cert=$(openssl x509 -in "$1" -noout -pubkey 2>/dev/null) || { echo 'its certificate cannot be read'; return; }
	[ "$of_key" = "$of_cert" ] || { echo 'its key belongs to another certificate'; return; }
	openssl x509 -in "$1" -noout -checkhost "$name" | grep -q 'does match' || { echo "it is not for $name"; return; }
	openssl x509 -in "$1" -noout -checkend 0 >/dev/null || echo "it ended on $(openssl x509 -in "$1" -noout -enddate | cut -d = -f 2)"
}
