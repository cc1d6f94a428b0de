/// The TLS handshake, before anything of HTTP.
extension HTTPConnection {
    func shakeHands() {
        guard let tls = wire.tls else { return }
        switch tls.handshake() {
        case .done:
            peer.isSecure = true
            peer.certificate = tls.peerCertificate()
            startReading()
        case .wouldBlock: break
        case .ended: close()
        case .failed(let error):
            if error == .plainText { shard.sayPlainText(wire.socket) }
            // The client shall be able to read why.
            linger()
        }
    }
}
