import JSON

@testable import Enforcement

/// Texts of our own making, with what is to be found between `⟦kind:` and `⟧`.
enum ValueSample {
    static let marked: [String] = [
        // E-mail
        "Write to ⟦email:ana.ray+news@mail.example.co.uk⟧, please.", "<⟦email:o'neil@example.ie⟧>",
        "連絡先は⟦email:giulia@example.org⟧です。", "mailto:⟦email:jörg.müller@example.de⟧?subject=x",
        "⟦email:用户@例子.广告⟧", "to=⟦email:a_b-c@xn--bcher-kva.example⟧;",
        "⟦email:\"jo doe\"@example.com⟧ wrote", "root@⟦ip:192.0.2.8⟧:/etc",
        "mail ⟦email:omar_silva\u{2060}@example.de⟧ today",
        // Spelled so that no program reads them
        "⟦email:ana.li (at) example.com⟧", "⟦email:ana[at]example[dot]com⟧ wrote",
        "to ⟦email:ana.li AT example DOT co DOT uk⟧.", "⟦email:ana dot li at example dot com⟧",
        "⟦email:ana.li @ example.com⟧", "⟦email:ana(@)example.org⟧", "⟦email:ana -at- example.org⟧",
        "⟦email:ana@example[.]com⟧ and", "⟦email:ana＠example。com⟧", "⟦email:ana=40example.com⟧",
        "⟦email:ana+AEA-example.com⟧",
        // Telephone
        "Call ⟦phone:+44 20 7946 0958⟧ or ⟦phone:(212) 555-0143⟧.", "Tél. ⟦phone:06 12 34 56 78⟧",
        "fax=⟦phone:+4930123456⟧", "⟦phone:+1 (415) 555-0100⟧ x12", "Handy: ⟦phone:0171/2345678⟧",
        "phone: ⟦phone:5550143⟧", "dial ⟦phone:0044 20 7946 0958⟧", "⟦phone:212.555.0143⟧",
        "⟦phone:+39 06 1234 5678⟧", "mobile ⟦phone:0412 345 678⟧", "☎ ⟦phone:+49 (0) 30 901820⟧",
        // Cards
        "paid with ⟦card:4111 1111 1111 1111⟧ today", "⟦card:5555555555554444⟧",
        "amex ⟦card:3782 822463 10005⟧ ok", "pan=⟦card:6011-1111-1111-1117⟧&x=1",
        "12,⟦card:30569309025904⟧,open", "⟦card:2223003122003222⟧",
        "paid with ⟦card:4222 2222 2222 2⟧ (visa)",
        "⟦card:4111 1111 1111 1111⟧ ⟦card:5555 5555 5555 4444⟧",
        "⟦card:4726 1305 9409 2⟧", "host ⟦ip:0.121.248.169⟧",
        "准⟦card:4111111111111111⟧", "паспорт⟦card:4111111111111111⟧", "电话⟦phone:13812345678⟧",
        "护照⟦passport:E12345678⟧", "准⟦email:ana@example.com⟧", "出生⟦birth_date:1984-02-03⟧",
        "card ⟦card:4111|1111|1111|1111⟧ ok", "card no ⟦card:4111, 1111, 1111, 1111⟧",
        ";⟦card:4111111111111111=27121010000000000000?⟧",
        "%B⟦card:4111111111111111^DOE/JANE^27121010000?⟧",
        // Accounts
        "iban ⟦iban:DE89_3704_0044_0532_0130_00⟧", "⟦iban:DE89 - 3704 - 0044 - 0532 - 0130 - 00⟧",
        "IBAN ⟦iban:DE89 3704 0044 0532 0130 00⟧ at", "⟦iban:gb29nwbk60161331926819⟧",
        "to ⟦iban:FR1420041010050500013M02606⟧.",
        // National numbers
        "ssn ⟦ssn:536-22-8710⟧", "SSN: ⟦ssn:536228710⟧ on file", "CPF ⟦national_id:529.982.247-25⟧",
        "NI number ⟦national_id:AB 12 34 56 C⟧", "DNI ⟦national_id:12345678Z⟧",
        "NIE ⟦national_id:X1234567L⟧", "PESEL ⟦national_id:44051401359⟧",
        "NHS number ⟦national_id:943 476 5919⟧", "⟦national_id:RSSMRA85T10A562S⟧",
        "AHV ⟦national_id:756.9217.0769.85⟧", "sécu ⟦national_id:255081416802538⟧",
        "hetu ⟦national_id:131052-308T⟧", "Aadhaar ⟦national_id:2345 6789 0124⟧",
        "BSN ⟦national_id:111222333⟧", "⟦national_id:11010519491231002X⟧",
        "Steuer-ID ⟦national_id:86095742719⟧", "personnummer ⟦national_id:811218-9876⟧",
        "PPS ⟦national_id:1234567T⟧", "RUT ⟦national_id:12.345.678-5⟧",
        // Networks
        "from ⟦ip:10.1.2.3⟧:443", "[⟦ip:2001:db8::7⟧]:80", "⟦ip:::ffff:192.0.2.1⟧",
        "⟦ip:fe80::1%eth0⟧",
        "ether ⟦mac:00:1a:2b:3c:4d:5e⟧", "⟦mac:001a.2b3c.4d5e⟧", "⟦mac:00-1A-2B-3C-4D-5E⟧",
        // Dates of birth, documents
        "born on ⟦birth_date:3 Feb 1984⟧, joined 4 Mar 2020", "DOB: ⟦birth_date:1984-02-03⟧",
        "née le ⟦birth_date:16 janvier 1994⟧ à Lyon", "geb. ⟦birth_date:24.12.1971⟧",
        "{\"birthDate\": \"⟦birth_date:02/03/1984⟧\"}", "生年月日 ⟦birth_date:1990年5月17日⟧",
        "Passport No: ⟦passport:AH9366849⟧", "Reisepass ⟦passport:C01X00T47⟧",
        "imei ⟦imei:35-178760-621672-6⟧",
        // Wallets
        "⟦crypto:1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa⟧",
        "⟦crypto:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4⟧",
        "⟦crypto:0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed⟧",
        // Secrets
        "postgres://app:⟦password:p%40ss/w0rd⟧@db.example/app", "password=⟦password:hunter2!⟧",
        "\"client_secret\": \"⟦api_key:aB3dE5fG7hI9jK1l⟧\"",
        "mot de passe : ⟦password:Tr0ub4dor&3⟧",
        "Server=db;Uid=app;Pwd=⟦password:x9!kQ_2v⟧;", "curl -u ana:⟦password:S3cretPw⟧ https://a",
        "<password>⟦password:correct horse⟧</password>",
        // Weak ones
        "password=⟦password:changeme⟧", "The password is ⟦password:qwerty⟧.",
        "senha: ⟦password:dragon⟧", "password := ⟦password:hunter2⟧",
        "client_secret=⟦api_key:letmein⟧",
        // Among the words of a command or a file
        "sqlplus scott/⟦password:t1ger!⟧@orcl", "expdp hr/⟦password:Wint3r⟧@prod schemas=hr",
        "jdbc:oracle:thin:scott/⟦password:p@ss⟧@//db:1521/svc",
        "exp userid=scott/⟦password:t1ger!⟧@orcl", "sqlcmd -S db -U sa -P ⟦password:Wint3r⟧ -Q x",
        "smbclient //fs/x -U ana%⟦password:Wint3r⟧", "keytool -storepass ⟦password:changeit⟧",
        "define( 'DB_PASSWORD', '⟦password:Wint3r⟧' );", "wpa psk=\"⟦password:bZzIKCbRC8as⟧\"",
        "username ana password 0 ⟦password:TPrd8JYFl⟧", "enable secret 5 ⟦password:s3cr3t-Pa55⟧",
        "snmp-server community ⟦password:S3cretPw⟧ RO",
        "Authorization: Bearer ⟦token:mF_9.B5f-4.1JqMzzY8⟧",
        "Basic ⟦token:QWxhZGRpbjpvcGVuIHNlc2FtZQ==⟧",
        "AWS_SECRET_ACCESS_KEY=⟦api_key:wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzKq7eYvQ2⟧",
        "Cookie: sid=⟦token:Xk29fLq81mZpTT03vbNw⟧; theme=dark", "PIN: ⟦password:4711⟧",
        "IDENTIFIED BY '⟦password:qT7xw2!a⟧'", "--token ⟦api_key:IKMPfGslFTAwgNWDSsEtQ7j4⟧",
        "Authorization: token ⟦token:iySCnF3J4UlkWWX533WFiYH2⟧", "D.O.B. ⟦birth_date:12-Mar-1974⟧",
        "password: ⟦password:a(*U8BxAh⟧", "call me on ⟦phone:32 12 34 56⟧",
        "⟦mac:ea-6a-d5-88-47-40⟧",
        "mot de passe : ⟦password:lWauSLgmtLY⟧", "pwd=⟦password:odM.MVYeQk_Z⟧ ok",
        "password:\n  ⟦password:x9!kQ_2v⟧", "CVV ⟦card_code:123⟧", "(b. ⟦birth_date:1985-03-14⟧)",
        "MAC ⟦mac:001B44113AB7⟧", "IBAN⟦iban:DE89370400440532013000⟧",
        "response=\"⟦api_key:425aafcb329e41bf98ebf32b1fd41c2f⟧\"",
        "x ⟦api_key:abc8Q~f4R9xT2kLm7vWq1ZbN5cYd8HsJgP3uA0e⟧ y", "Tlf ⟦phone:21 23 45 17⟧",
        "⟦api_key:u6l2JWHQ214WAN.atlasv1.W1bUuQnzTFdP2agX8Ak3ZIVArRmyXq1Ir4NQAyMPMSLpUBCt9gFInxIZcwvIQDr5EwN⟧",
        "PAN card ⟦national_id:ABCHK1234L⟧", "⟦phone:06 12 34 56 78⟧",
        // Hidden
        "card ⟦card:４１１１１１１１１１１１１１１１⟧", "⟦card:4111\u{200B}1111\u{200B}1111\u{200B}1111⟧",
        "ssn ⟦ssn:٥٣٦-٢٢-٨٧١٠⟧", "⟦card:4111–1111–1111–1111⟧", "u=⟦email:ana%40example.com⟧&x",
        "⟦email:ana&#64;example.com⟧", "⟦email:ana\\u0040example.com⟧",
        "⟦email:ana%2540example.com⟧",
        "d=⟦ssn:c3NuIDUzNi0yMi04NzEw⟧", "⟦email:616e61406578616d706c652e636f6d⟧",
        "0x⟦email:616e61406578616d706c652e636f6d⟧", "\\x⟦email:616e61406578616d706c652e636f6d⟧",
        "blob ⟦ssn:NTM2LTIyLTg3MTA=⟧", "/files/⟦ssn:c3NuIDUzNi0yMi04NzEw⟧",
        "card ⟦card:4111·1111·1111·1111⟧", "card ⟦card:4111 - 1111 - 1111 - 1111⟧",
        "card ⟦card:4111 1111-1111 1111⟧", "card ⟦card:4111&ndash;1111&ndash;1111&ndash;1111⟧",
        "ssn ⟦ssn:5 3 6 2 2 8 7 1 0⟧", "1,⟦ssn:536 22 8710⟧,open",
        "card ⟦card:4111<br>1111</b><b>1111<br/>1111⟧", "ssn ⟦ssn:536-228710⟧ end",
        "hex ⟦email:61 6e 61 2e 72 61 79 40 65 78 61 6d 70 6c 65 2e 63 6f 6d⟧ end",
        "⟦ssn:35:33:36:2d:32:32:2d:38:37:31:30⟧",
        "q ⟦ssn:=35=33=36=2D=32=32=2D=38=37=31=30⟧",
        "o ⟦ssn:\\065\\063\\066\\055\\062\\062\\055\\070\\067\\061\\060⟧",
        "u ⟦email:\\U00000061\\U0000006e\\U00000061\\U00000040example.com⟧",
        "data:\n⟦email:bWFpbCBhbmEucmF5QGV4\nYW1wbGUuY29t⟧\nend",
        "data: ⟦email:bWFpbCBhbmEu cmF5QGV4YW1w bGUuY29t⟧",
        "blob ⟦ssn:c3NuIDUzNi0yMi04NzEw⟧ end",
        "d ⟦ssn:cwBzAG4AIAA1ADMANgAtADIAMgAtADgANwAxADAA⟧",
        "card (⟦card:4111) 1111 1111 1111⟧ end", "card ⟦card:411111-11111111-11⟧ end",
        "200 ⟦card:4111111111111111⟧ 150",
        // Commands, pairs, columns
        "mysql -uroot -p⟦password:S3cr3tPw⟧ db", "sshpass -p '⟦password:S3cr3tPw9⟧' ssh host",
        "redis-cli -a ⟦password:Zx81pw99⟧ ping", "requirepass ⟦password:Zx81pw99⟧",
        "docker login -u ana -p ⟦password:hunter2x⟧ reg.example",
        "- name: DB_PASSWORD\n  value: ⟦password:x9QkT2vLm⟧",
        "{\"name\":\"api_key\",\"value\":\"⟦api_key:aB3dE5fG7hI9jK1l⟧\"}",
        "{\"password\":{\"value\":\"⟦password:correct horse⟧\"}}",
        "GET /x?token=⟦api_key:qwertyuiopasdf⟧&y=1", "the password is ⟦password:hunterabc⟧",
        "id,password,plan\n7,⟦password:hunter⟧,plus\n8,\"⟦password:a,b!c⟧\",free",
        "name,birth_date\nAna,⟦birth_date:1985-03-14⟧", "ssn;city\n⟦ssn:536228710⟧;Bonn",
        "see\n| name | ssn |\n|------|-----|\n| Ana  | ⟦ssn:536228710⟧ |\nend",
        " id |  phone\n----+---------\n  1 | ⟦phone:5550143⟧\n(1 row)",
        // Numbers by the word in front of them
        "contact ⟦phone:5551234567⟧", "Phone: ⟦phone:393-414-3152x69804⟧ today",
        "Social Insurance Number ⟦national_id:046-454-286⟧", "PAN card ⟦national_id:NHPMX3344T⟧",
        "Reisepass Nr. ⟦passport:CVKLWFLWM⟧", "⟦national_id:811218-9876⟧",
    ]

    /// What looks so and is not.
    static let harmless: [String] = [
        "version 10.0.19041.1", "Chrome/120.0.6099.109", "§ 4.3.2.1", "1.2.3.4-rc1", "v1.2.3.4",
        "4111 1111 1111 1112", "1234 5678 9012 3456", "DE88370400440532013000", "000-12-3456",
        "2026-11-21T07:45:33Z", "120-240-360", "room 415-B", "icon@2x.png", "@scope/pkg@1.2.3",
        "user at example dot com", "look (at) this", "arrive at noon dot", "x@y",
        "git@github.com", "RMA 345 540 2617", "schema 4.3.0.8", "sort -u file:line",
        "password: master", "exp date/time", "card 4111|1111|1111|1112", "sqlplus /nolog",
        "see page 4, line 12, column 7", "4111 | 1111", "define('DB_PASSWORD', getenv('X'))",
        "a = b @ c.d", "width=40px", "thin: a/b", "12:34:56", "std::vector<int>",
        "96:e9:7a:8a:a2:05:9f:b8",
        "password=****", "password=${DB_PASSWORD}", "password: <redacted>",
        "PASSWORD_MIN_LENGTH=12",
        "token_count=1234567890", "password must contain a digit", "forgot your password?",
        "password = os.environ['DB_PASSWORD']", "api_key: YOUR_API_KEY",
        "next_page_token=CAUQAA8xZ9k2",
        "Bearer of bad news", "Basic usage", "sk-learn", "sk_live_ keys start like this",
        "created_at 1984-02-03", "released on 3 Feb 1984", "ISBN 978-3-16-148410-0",
        "commit 1ef36fa01286573e846ac449e8683f8833c5b26a", "984a025f-b55f-4936-a3b0-5de8ad907886",
        "git@github.com:org/repo.git", "https://example.com:8080/a@b", "lat=51.5074&lon=-0.1278",
        "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN3", "0xdeadbeef", "RR123456785DE", "+1.5 points",
        "18:30-20:00",
        "-----BEGIN CERTIFICATE-----\nAAAABBBB\n-----END CERTIFICATE-----", "eyJ is how it begins",
        "3.14159265358979", "1732175999123456789", "uptime 32 min", "#FF8800", "", " ", "名前",
        "order 20261121-0007", "if password == confirm:", "sections 1.2.3.4", "app/1.2.3.4",
        "987-65-4321", "ZZ 278653 T", "secret = get_secret('a')", "12345678Y",
        "passport photo of 2026",
        "c2lkZWJhciB3aWR0aCBpcyAzMDA=",
        "no. 5149 1552 1722 0795", "no. 3727 239859 72567", "ref DE90 3704 0044 0532 0130 00",
        "ref NL08 ABNA 0417 1643 00", "1Z 999 AA1 01 2345 6784", "538-44-1234-99", "36 29 12 20 52",
        "01 02 03 04 05 06", "0123456789", "12345678-1234-1234-0123-123456789012",
        "+9.1935+124.4340/", "+39.1935+009.4340/", "(2026) 11-21", "200 300 4000", "foo==1.2.3.4",
        "updated from 1.2.3.4 to 1.2.3.5", "libssl1.1_1.1.1.4-1", "10:15::12", "0.1.2.3",
        "getty@tty1.service", "openvpn@server.conf", "lib@1.0.tar.gz",
        "PublicKeyToken=b77a5c561934e089", "sku VQRHX0087R", "lot A123456789",
        "password: JavaScript", "password: Required", "pwd=settings.DB_PASSWORD", "CVV rules",
        "1Q~ and 2Q~",
        "order no. 214-605-9719", "range 515-425-7585", "part 04-420-6725", "item 71410717H",
        "part no. 457-85-1074", "model AB367985A", "model 0709-212-734", "order 30404557852421",
        "0017422302339", "00219144-7228-4774-8122-264161526204", "091-286-930", "1234.5678.9012",
        "id 562278286973037426", "KB 4.7.2.0 update", "099-13-8758-93",
        "password is required.", "password is incorrect", "Passwort ist abgelaufen",
        "mysql -h db -P 3306", "docker run -p 8080:80 nginx", "login failed for -p",
        "Hello, my password\nfoo, bar baz", "name,city,qty\nAna,Bonn,12",
        "| a | b |\n|---|---|\n| 1 | 123456789 |", "a=3D1", "<td>4111</td><td>1111</td>",
        "96:e9:7a:8a:a2:05:9f:b8:96:e9:7a:8a", "12 34 56 78 90 12 34 56 78 90 11 12",
        "sort_key: value: 12", "name: PATH\nvalue: abc12345x",
    ]

    /// The text without marks, and the spans in Unicode scalars.
    static func parsed(_ marked: String) -> (text: String, spans: [(Int, Int, String)]) {
        var text = String.UnicodeScalarView()
        var spans: [(Int, Int, String)] = []
        var open: (start: Int, kind: String)?
        var kind: String?
        for scalar in marked.unicodeScalars {
            if scalar == "⟦" {
                kind = ""
            } else if let word = kind {
                if scalar == ":" {
                    open = (text.count, word)
                    kind = nil
                } else {
                    kind = word + String(scalar)
                }
            } else if scalar == "⟧", let begun = open {
                spans.append((begun.start, text.count, begun.kind))
                open = nil
            } else {
                text.append(scalar)
            }
        }
        return (String(text), spans)
    }
}
