for unit in postfix.service dovecot.service; do
		if systemctl -q is-active "$unit"; then systemctl reload "$unit" || { echo "taken, but $unit cannot be reloaded"; exit 1; }; fi
	done
