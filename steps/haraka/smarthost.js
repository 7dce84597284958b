'use strict'
// Sends mail by the smart host: logged in, inside TLS, to the server that has the name, or not at all. What that refuses before it
// has taken the login is no fault of the mail: this waits then.
const fs = require('node:fs')

let said = ''
let when = 0

exports.register = function () {
    this.smarthost = this.config.get('smarthost.json')
    this.register_hook('get_mx', 'route')
}

// The same is said once an hour: somebody looks for the last of it.
exports.tell = function (words) {
    if (said === words && Date.now() - when < 3600000) return
    this.lognotice(`the smart host ${words}`)
    said = words
    when = Date.now()
}

exports.route = function (next, mail) {
    const { host, port, user, wrapped, password } = this.smarthost
    let word = ''
    try {
        word = fs.readFileSync(password, 'utf8')
    } catch {}
    if (!word) {
        this.tell('has no password here')
        return next(DENYSOFT, 'the password of the smart host is not there')
    }
    const usual = Object.getPrototypeOf(mail)
    let login = false // it was tried
    let ready = false // it was taken
    let broke = ''
    mail.get_force_tls = () => !wrapped
    mail.bounce = (err, more) => {
        if (ready) return usual.bounce.call(mail, err, more)
        delete mail.bounce // in the end the sender is told
        this.tell(`${login ? 'refuses the login' : 'refuses us'}: ${err}`)
        usual.temp_fail.call(mail, err, more)
    }
    mail.temp_fail = (err, more) => {
        if (!ready) this.tell(`does not get the mail: ${broke || err}`)
        usual.temp_fail.call(mail, err, more)
    }
    mail.try_deliver_host_on_socket = (mx, name, at, socket) => {
        login = ready = false // its addresses are tried one after the other
        const write = socket.write
        socket.write = (line, ...more) => {
            if (/^AUTH /.test(line)) login = true
            if (/^MAIL /.test(line)) {
                if (!login) return socket.emit('error', new Error('it offers no login'))
                ready = true
                socket.write = write
                this.tell('takes the login')
            }
            return write.call(socket, line, ...more)
        }
        usual.try_deliver_host_on_socket.call(mail, mx, name, at, socket)
        socket.prependListener('error', (err) => { broke = err.message })
        if (wrapped) socket.upgrade({ servername: host, rejectUnauthorized: true }, () => {})
    }
    // Whoever prints it sees the name alone.
    next(OK, { exchange: host, port, auth_user: user, auth_pass: word, toJSON: () => host })
}
