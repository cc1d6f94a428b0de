// swift-tools-version: 6.3
import PackageDescription

/// What tests keep: all but the audit of memory safety, since they poke at C structures and edges.
let tested: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
]

/// What every target of the product is held to.
let strict: [SwiftSetting] = tested + [.strictMemorySafety()]

let beneathServer: [Target.Dependency] = ["Backends", "Enforcement", "EventLoop", "JSON"]

/// `scripts/fuzz` sets this: one program with every fuzzer, and the server as a library beneath it.
let isFuzzed = Context.environment["TOOLSERVER_FUZZ"] != nil

let package = Package(
    name: "toolserver",
    products: [.executable(name: "toolserver", targets: ["ToolServer"])],
    targets: [
        .target(name: "CLinux"),
        .systemLibrary(
            name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(
            name: "CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .target(name: "JSON", swiftSettings: strict),
        .target(name: "EventLoop", dependencies: ["CLinux", "COpenSSL"], swiftSettings: strict),
        .target(name: "Enforcement", dependencies: ["JSON", "COpenSSL"], swiftSettings: strict),
        .target(
            name: "Backends",
            dependencies: ["Enforcement", "EventLoop", "JSON", "CPostgres", "CSQLite"],
            swiftSettings: strict),
        .executableTarget(
            name: "ToolServer", dependencies: beneathServer,
            swiftSettings: strict),
        .testTarget(
            name: "JSONTests", dependencies: ["JSON", "TestSupport"], swiftSettings: tested),
        .testTarget(
            name: "EventLoopTests", dependencies: ["EventLoop", "CLinux", "TestSupport"],
            swiftSettings: tested),
        .target(
            name: "TestSupport", dependencies: ["Enforcement", "JSON", "COpenSSL"],
            path: "Tests/TestSupport", swiftSettings: tested),
        .target(name: "AllocationCount", path: "Tests/AllocationCount"),
        .testTarget(
            name: "EnforcementTests",
            dependencies: ["Enforcement", "JSON", "TestSupport", "AllocationCount"],
            exclude: ["Golden"], swiftSettings: tested),
        .testTarget(
            name: "BackendsTests",
            dependencies: [
                "Backends", "Enforcement", "EventLoop", "JSON", "CPostgres", "CSQLite",
                "TestSupport",
            ],
            swiftSettings: tested),
        .testTarget(
            name: "ToolServerTests",
            dependencies: [
                "ToolServer", "Backends", "Enforcement", "EventLoop", "JSON", "TestSupport",
            ],
            exclude: ["Golden"], swiftSettings: tested),
        .testTarget(name: "TidyTests", dependencies: ["Enforcement"], swiftSettings: tested),
    ]
)

if isFuzzed {
    package.products = [.executable(name: "fuzz", targets: ["Fuzz"])]
    package.targets.removeAll { $0.isTest || $0.name == "ToolServer" }
    package.targets += [
        .target(
            name: "ToolServer", dependencies: beneathServer,
            exclude: ["main.swift"], swiftSettings: strict),
        .executableTarget(
            name: "Fuzz",
            dependencies: ["ToolServer", "Enforcement", "EventLoop", "JSON"],
            path: "Tests/Fuzz", exclude: ["seeds"], swiftSettings: tested),
    ]
}
