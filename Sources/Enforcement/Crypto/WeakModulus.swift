/// RSA keys of chips whose primes were not random (CVE-2017-15361, "ROCA"): the private key can be
/// computed from the public one.
///
/// Both primes of such a key are powers of 65537 modulo every small prime, and so is their product.
/// A modulus of another origin passes all of these for being so once in 2^27.
enum WeakModulus {
    private static let primes = [
        3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97,
        101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
    ]

    static func isFactorable(_ modulus: [UInt8]) -> Bool {
        primes.allSatisfy { prime in
            let remainder = modulus.reduce(0) { ($0 << 8 | Int($1)) % prime }
            return isPower(remainder, of: 65_537 % prime, modulo: prime)
        }
    }

    private static func isPower(_ value: Int, of base: Int, modulo prime: Int) -> Bool {
        var power = 1
        for _ in 1..<prime {
            if power == value { return true }
            power = power * base % prime
        }
        return false
    }
}
