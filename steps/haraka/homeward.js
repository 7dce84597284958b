'use strict'
// Mail for our own domains, such as bounces, goes straight to the mail host, from the address that has our name: from the tunnel's it
// would be rejected as spam.
exports.register = function () {
    this.home = this.config.get('homeward.json')
    this.register_hook('get_mx', 'route')
}

exports.route = function (next, mail, domain) {
    const { domains, exchange, port, bind } = this.home
    if (!domains.includes(domain.toLowerCase())) return next()
    next(OK, { exchange, port, bind })
}
