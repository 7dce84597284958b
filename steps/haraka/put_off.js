'use strict'
// What cannot be written, as on a full disk, Haraka refuses for good, and the sender is told so. Here the mail host is asked to try again.
exports.hook_queue_outbound = function (next, connection) {
    this.haraka_require('outbound').send_trans_email(connection.transaction, (code, said) =>
        next(code, code === OK ? 'Message Queued' : String(said)))
}
