/// What compatibility forms of ASCII stand for: full-width and mathematical letters, ligatures, dot
/// leaders and the like, in lower case. Some servers read them so (NFKC of Unicode 15), hence a
/// path that holds them must be compared as if it held what they stand for.
package enum CompatibilityForms {
    /// `FB01=fi` is one character, `FF21+26=a` a run of them; `SP` is a space. Derived from the
    /// Unicode Character Database: all characters whose NFKC is ASCII.
    private static let notation = """
        A0=SP AA=a B2+2=2 B9=1 BA=o 132=ij 133=ij 17F=s 1C7=lj 1C8=lj 1C9=lj 1CA=nj 1CB=nj 1CC=nj
        1F1=dz 1F2=dz 1F3=dz 2B0=h 2B2=j 2B3=r 2B7=w 2B8=y 2E1=l 2E2=s 2E3=x 37E=; 1D2C=a 1D2E=b
        1D30+2=d 1D33+8=g 1D3C=o 1D3E=p 1D3F=r 1D40+2=t 1D42=w 1D43=a 1D47=b 1D48+2=d 1D4D=g 1D4F=k
        1D50=m 1D52=o 1D56=p 1D57+2=t 1D5B=v 1D62=i 1D63=r 1D64+2=u 1D9C=c 1DA0=f 1DBB=z 1FEF=`
        2000=SP 2001=SP 2002=SP 2003=SP 2004=SP 2005=SP 2006=SP 2007=SP 2008=SP 2009=SP 200A=SP
        2024=. 2025=.. 2026=... 202F=SP 203C=!! 2047=?? 2048=?! 2049=!? 205F=SP 2070=0 2071=i
        2074+6=4 207A=+ 207C== 207D+2=( 207F=n 2080+10=0 208A=+ 208C== 208D+2=( 2090=a 2091=e 2092=o
        2093=x 2095=h 2096+4=k 209A=p 209B+2=s 20A8=rs 2100=a/c 2101=a/s 2102=c 2105=c/o 2106=c/u
        210A+2=g 210C=h 210D=h 210E=h 2110=i 2111=i 2112=l 2113=l 2115=n 2116=no 2119+3=p 211C=r
        211D=r 2120=sm 2121=tel 2122=tm 2124=z 2128=z 212A=k 212C+2=b 212F=e 2130+2=e 2133=m 2134=o
        2139=i 213B=fax 2145=d 2146+2=d 2148+2=i 2160=i 2161=ii 2162=iii 2163=iv 2164=v 2165=vi
        2166=vii 2167=viii 2168=ix 2169=x 216A=xi 216B=xii 216C=l 216D+2=c 216F=m 2170=i 2171=ii
        2172=iii 2173=iv 2174=v 2175=vi 2176=vii 2177=viii 2178=ix 2179=x 217A=xi 217B=xii 217C=l
        217D+2=c 217F=m 2460+9=1 2469=10 246A=11 246B=12 246C=13 246D=14 246E=15 246F=16 2470=17
        2471=18 2472=19 2473=20 2474=(1) 2475=(2) 2476=(3) 2477=(4) 2478=(5) 2479=(6) 247A=(7)
        247B=(8) 247C=(9) 247D=(10) 247E=(11) 247F=(12) 2480=(13) 2481=(14) 2482=(15) 2483=(16)
        2484=(17) 2485=(18) 2486=(19) 2487=(20) 2488=1. 2489=2. 248A=3. 248B=4. 248C=5. 248D=6.
        248E=7. 248F=8. 2490=9. 2491=10. 2492=11. 2493=12. 2494=13. 2495=14. 2496=15. 2497=16.
        2498=17. 2499=18. 249A=19. 249B=20. 249C=(a) 249D=(b) 249E=(c) 249F=(d) 24A0=(e) 24A1=(f)
        24A2=(g) 24A3=(h) 24A4=(i) 24A5=(j) 24A6=(k) 24A7=(l) 24A8=(m) 24A9=(n) 24AA=(o) 24AB=(p)
        24AC=(q) 24AD=(r) 24AE=(s) 24AF=(t) 24B0=(u) 24B1=(v) 24B2=(w) 24B3=(x) 24B4=(y) 24B5=(z)
        24B6+26=a 24D0+26=a 24EA=0 2A74=::= 2A75=== 2A76==== 2C7C=j 2C7D=v 3000=SP 3250=pte 3251=21
        3252=22 3253=23 3254=24 3255=25 3256=26 3257=27 3258=28 3259=29 325A=30 325B=31 325C=32
        325D=33 325E=34 325F=35 32B1=36 32B2=37 32B3=38 32B4=39 32B5=40 32B6=41 32B7=42 32B8=43
        32B9=44 32BA=45 32BB=46 32BC=47 32BD=48 32BE=49 32BF=50 32CC=hg 32CD=erg 32CE=ev 32CF=ltd
        3371=hpa 3372=da 3373=au 3374=bar 3375=ov 3376=pc 3377=dm 3378=dm2 3379=dm3 337A=iu 3380=pa
        3381=na 3383=ma 3384=ka 3385=kb 3386=mb 3387=gb 3388=cal 3389=kcal 338A=pf 338B=nf 338E=mg
        338F=kg 3390=hz 3391=khz 3392=mhz 3393=ghz 3394=thz 3396=ml 3397=dl 3398=kl 3399=fm 339A=nm
        339C=mm 339D=cm 339E=km 339F=mm2 33A0=cm2 33A1=m2 33A2=km2 33A3=mm3 33A4=cm3 33A5=m3
        33A6=km3 33A9=pa 33AA=kpa 33AB=mpa 33AC=gpa 33AD=rad 33B0=ps 33B1=ns 33B3=ms 33B4=pv 33B5=nv
        33B7=mv 33B8=kv 33B9=mv 33BA=pw 33BB=nw 33BD=mw 33BE=kw 33BF=mw 33C2=a.m. 33C3=bq 33C4=cc
        33C5=cd 33C7=co. 33C8=db 33C9=gy 33CA=ha 33CB=hp 33CC=in 33CD=kk 33CE=km 33CF=kt 33D0=lm
        33D1=ln 33D2=log 33D3=lx 33D4=mb 33D5=mil 33D6=mol 33D7=ph 33D8=p.m. 33D9=ppm 33DA=pr
        33DB=sr 33DC=sv 33DD=wb 33FF=gal A7F2=c A7F3=f A7F4=q FB00=ff FB01=fi FB02=fl FB03=ffi
        FB04=ffl FB05=st FB06=st FB29=+ FE10=, FE13+2=: FE15=! FE16=? FE19=... FE30=.. FE33=_ FE34=_
        FE35+2=( FE37={ FE38=} FE47=[ FE48=] FE4D=_ FE4E=_ FE4F=_ FE50=, FE52=. FE54=; FE55=: FE56=?
        FE57=! FE59+2=( FE5B={ FE5C=} FE5F=# FE60=& FE61+2=* FE63=- FE64=< FE65=> FE66== FE68=\\
        FE69+2=$ FE6B=@ FF01+32=! FF21+26=a FF3B+36=[ 107A5=q 1D400+26=a 1D41A+26=a 1D434+26=a
        1D44E+7=a 1D456+18=i 1D468+26=a 1D482+26=a 1D49C=a 1D49E+2=c 1D4A2=g 1D4A5+2=j 1D4A9+4=n
        1D4AE+8=s 1D4B6+4=a 1D4BB=f 1D4BD+7=h 1D4C5+11=p 1D4D0+26=a 1D4EA+26=a 1D504+2=a 1D507+4=d
        1D50D+8=j 1D516+7=s 1D51E+26=a 1D538+2=a 1D53B+4=d 1D540+5=i 1D546=o 1D54A+7=s 1D552+26=a
        1D56C+26=a 1D586+26=a 1D5A0+26=a 1D5BA+26=a 1D5D4+26=a 1D5EE+26=a 1D608+26=a 1D622+26=a
        1D63C+26=a 1D656+26=a 1D670+26=a 1D68A+26=a 1D7CE+10=0 1D7D8+10=0 1D7E2+10=0 1D7EC+10=0
        1D7F6+10=0 1F100=0. 1F101=0, 1F102=1, 1F103=2, 1F104=3, 1F105=4, 1F106=5, 1F107=6, 1F108=7,
        1F109=8, 1F10A=9, 1F110=(a) 1F111=(b) 1F112=(c) 1F113=(d) 1F114=(e) 1F115=(f) 1F116=(g)
        1F117=(h) 1F118=(i) 1F119=(j) 1F11A=(k) 1F11B=(l) 1F11C=(m) 1F11D=(n) 1F11E=(o) 1F11F=(p)
        1F120=(q) 1F121=(r) 1F122=(s) 1F123=(t) 1F124=(u) 1F125=(v) 1F126=(w) 1F127=(x) 1F128=(y)
        1F129=(z) 1F12B=c 1F12C=r 1F12D=cd 1F12E=wz 1F130+26=a 1F14A=hv 1F14B=mv 1F14C=sd 1F14D=ss
        1F14E=ppv 1F14F=wc 1F16A=mc 1F16B=md 1F16C=mr 1F190=dj 1FBF0+10=0
        """

    private static let ascii: [UInt32: String] = {
        var forms: [UInt32: String] = [:]
        for entry in notation.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
            let sides = entry.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let run = sides[0].split(separator: "+")
            guard let first = UInt32(run[0], radix: 16) else { continue }
            let text = sides[1] == "SP" ? " " : String(sides[1])
            let count = run.count == 2 ? UInt32(run[1]) ?? 0 : 1
            for step in 0..<count {
                let next = text.unicodeScalars.first.flatMap { Unicode.Scalar($0.value + step) }
                forms[first + step] = count == 1 ? text : next.map { String($0) }
            }
        }
        return forms
    }()

    package static func isForm(_ scalar: Unicode.Scalar) -> Bool {
        !scalar.isASCII && ascii[scalar.value] != nil
    }

    /// NFKC and case folding, for what stands in for ASCII; other text is folded by letter.
    static func folded(_ scalar: Unicode.Scalar) -> String {
        if scalar.isASCII { return scalar.properties.lowercaseMapping }
        if let form = ascii[scalar.value] { return form }
        switch scalar {
        case "\u{DF}", "\u{1E9E}": return "ss"
        case "\u{3C2}": return "\u{3C3}"
        default: return scalar.properties.lowercaseMapping
        }
    }
}
