'use strict'
// Haraka writes a header anew from what it read of it: at most a thousand lines, and nothing that is not UTF-8. Lines were lost, and
// signatures broken. Here it goes on as it came; what Haraka would add to it, the mail host does by itself.
exports.hook_data_post = function (next, connection) {
    connection.transaction.message_stream.headers = []
    next()
}
