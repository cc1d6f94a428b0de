import JSON
import Testing

@testable import Enforcement

@Suite struct PathReadingTests {
    @Test(arguments: [
        "/v1/admin", "/v1/admin/", "/V1/Admin", "/v1/./admin", "//v1//admin", "/v1/x/../admin",
        "/v1/%61dmin", "/v1%2fadmin", "/v1%252Fadmin", "/v1/admin;x=1", "/v1;/admin", "/v1\\admin",
        "/v1/admin.", "/v1/admin%20", "/v1/admin%00", "/v1/x/..;a/admin", "/v1/x/%2e%2e/admin",
        "/v1/x/%c0%ae%c0%ae/admin", "/v1/%u0061dmin", "/v1/\u{FF41}\u{FF44}min",
        "/v1/adm\u{200B}in",
        "/v1/x/\u{2025}/admin", "/v1\u{2215}admin", "/v1/\u{1D41A}dmin", "/v1/x/\u{3002}./admin",
    ])
    func oneCanonicalForm(_ path: String) {
        #expect(PathReading(path).canonicalPath.utf8.elementsEqual("/v1/admin".utf8), "\(path)")
    }

    @Test func otherPathsStayOthers() {
        let cases = [
            ("/v1/administrators", "/v1/administrators"), ("/v1/admin-guide", "/v1/admin-guide"),
            ("/v1/users/admin", "/v1/users/admin"), ("/v1/...", "/v1"), ("/", "/"), ("/..", "/"),
            ("/stra\u{DF}e", "/strasse"), ("/cafe\u{301}", "/caf\u{E9}"), ("/\u{FB01}le", "/file"),
            ("/100%", "/100%"), ("/a+b", "/a+b"),
        ]
        for (path, form) in cases {
            #expect(PathReading(path).canonicalPath.utf8.elementsEqual(form.utf8), "\(path)")
        }
    }

    @Test func theShortWayGivesWhatTheLongOneDoes() {
        let parts = [
            "a", "Z", "0", "-", "_", ".", "..", "/", "//", "%2e", ";", "~", "\u{E4}", "", " ",
        ]
        for first in parts {
            for second in parts {
                for third in parts {
                    let path = "/" + first + second + third
                    let short = PathReading.canonicalPath(of: path + "?q=/../")
                    #expect(
                        short.utf8.elementsEqual(PathReading(path).canonicalPath.utf8), "\(path)")
                }
            }
        }
    }

    @Test func whatCannotBeReadToTheEndIsNotSettled() {
        let nested = "%" + String(repeating: "25", count: 40) + "2e"
        #expect(!PathReading(nested).isSettled)
        #expect(PathReading("%252e").isSettled)
        #expect(PathReading("%E0%A4%A").isSettled)
    }
}
