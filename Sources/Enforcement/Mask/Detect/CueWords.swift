extension WordTable {
    /// Each list is one string: words in lower case, with a space between.
    static var cueWords: [(Cues, String)] {
        [
            (
                .phone,
                """
                phone phones telephone tel tele tlf mobile mobil cell cellphone cellular fax whatsapp sms msisdn \
                signal viber landline hotline phonenumber mobilenumber telno phoneno telefon telefono \
                teléfono telefone tél téléphone telefoon telefoonnummer telefonnummer telefonnr telefonu \
                handy handynummer mobilnummer mobilfunk rufnummer festnetz durchwahl móvil movil celular \
                celulare cellulare portable numéro gsm komórka komorka kontakttelefon matkapuhelin puhelin \
                puh telefax faks cep telefonun telefonum тел телефон телефона мобильный моб факс номер \
                τηλέφωνο κινητό هاتف جوال موبايل טלפון फोन मोबाइल
                """
            ),
            (
                .maybePhone,
                """
                call calling dial ring text contact number reach office home work callback caller \
                anrufen rufen kontakt appeler appelez joindre llamar llame llámame ligar ligue chiamare \
                chiama bel bellen ring zadzwoń dzwoń позвоните звоните nummer numero número num
                """
            ),
            (
                .card,
                """
                card cards cardnumber cardno creditcard debitcard ccnumber ccnum cc pan visa mastercard amex \
                maestro discover diners jcb unionpay karte kreditkarte kartennummer carte bancaire \
                tarjeta cartão cartao carta karta kart kaart kortnummer kort карта карты credit debit
                """
            ),
            (.cardCode, "cvv cvv2 cvc cvc2 csc cvn cid securitycode kartenprüfnummer cryptogramme"),
            (
                .birth,
                """
                born birth birthday birthdate birthdays dob dateofbirth birthdt bday bdate \
                dobdate yob geboren geb geburtsdatum geburtstag né née naissance datenaissance \
                datedenaissance nacido nacida nacimiento fechanacimiento fnac nato nata nascita \
                datanascita dn nascido nascida nascimento datanascimento geboortedatum geboorte \
                geborene född född födelsedatum født fødselsdato født syntynyt syntymäaika \
                urodzony urodzona urodzenia urodz narozen narozena narození született születési \
                născut născută nașterii doğum dogum рождения родился родилась народження γέννησης \
                נולד الميلاد पैदा जन्म 生年月日 出生 出生日期 誕生日 생년월일
                """
            ),
            (
                .passport,
                """
                passport passports passportno passportnumber passportnr passportid ppn reisepass \
                reisepassnummer reisepassnr passnummer passeport pasaporte passaporte passaporto \
                paspoort paspoortnummer passnr passi paszport paszportu pasu útlevél pașaport pasaport \
                pasaportu паспорт паспорта загранпаспорт διαβατήριο דרכון جواز पासपोर्ट 護照 护照 旅券 여권
                """
            ),
            (.imei, "imei imei1 imei2 imeisv"),
            (
                .ssn,
                """
                ssn ssns socialsecurity socialsecuritynumber ssnumber ssa itin ssnitin social tin \
                taxpayer ss
                """
            ),
            (
                .version,
                """
                version versions sections versión ver v vers versión versão versione sec section sect chapter chap \
                release rel schema firmware fw build driver rev revision oid semver sw kernel clause \
                paragraph para step fig figure table appendix abschnitt kapitel artikel article art \
                chapitre sección seção sezione update patch upgrade upgraded requires package pkg kb \
                chrome firefox safari edge opera windows macos ios android java openssl dll assembly \
                fileversion productversion assemblyversion версия версии раздел глава item rule
                """
            ),
            (
                .ip,
                """
                ip ipv4 ipv6 ips ipaddr ipaddress addr address host hostname client remote src dst \
                source peer server from gateway dns ping subnet netmask adresse dirección endereço
                """
            ),
            (
                .thing,
                """
                sku lot serial batch tracking shipment usps fedex dhl ups parcel ndc isbn issn ismn \
                lottery rma awb
                """
            ),
            (
                .code,
                """
                part parts model item items range order orders invoice inv ticket case ref reference \
                code article product catalog catalogue error err docket rack bin seat gate size \
                color colour layer block page row column zone node port offset bestellung rechnung \
                commande facture pedido factura ordine fattura teil artikelnummer bestellnummer \
                rechnungsnummer modell modelo modèle modello
                """
            ),
            (.ordinal, "number no nr num id nummer numero número numéro n of is"),
            (
                .tool,
                """
                mysql mysqldump mysqladmin mariadb sshpass redis login mongo mongosh mongodump mongorestore \
                ldapsearch ldapmodify isql sqlcmd bcp osql tsql ipmitool unzip zip rdesktop psexec snmpwalk \
                snmpget smbclient sqlplus expdp impdp exp imp sqlldr rman thin define enable snmp \
                net htpasswd echo printf sudo oathtool
                """
            ),
            (.goods, "isbn issn ean gtin upc sku asin barcode ean13 isbn13 doi"),
            (.bearer, "bearer"),
            (.basic, "basic"),
            (
                .secret,
                """
                password passwd passwort kennwort passphrase pwd pass passe passcode pw contraseña \
                contrasena clave senha wachtwoord lösenord losenord adgangskode passord salasana \
                hasło haslo heslo jelszó jelszo requirepass masterauth identified storepass keypass srcstorepass deststorepass psk parola parolă şifre sifre пароль пароля pin
                """
            ),
            (.credential, "token secret apikey accesstoken authtoken clientsecret licensekey"),
            (.seed, "totp hotp otp mfa authenticator factor base32"),
            (
                .licence,
                """
                license licence licenses licences driverlicense driverslicense drivinglicence \
                führerschein fuhrerschein führerscheinnummer permis dlnumber dln
                """
            ),
        ]
    }

    /// The words of national numbers. `.all` is for words that name a kind and no country.
    static var idWords: [(NationalIDs, String)] {
        [
            (
                .all,
                """
                national nationalid nationalidnumber nin identity identification idnumber idno taxid \
                taxnumber personalnumber personnummer ausweis personalausweis identité identidad \
                identidade documento citizen citizenid socialinsurance versicherungsnummer
                """
            ),
            (.cpf, "cpf contribuinte cadastro cnpj"),
            (.nhs, "nhs nhsnumber nhsno"),
            (.nino, "ni nino nationalinsurance insurance"),
            (.pesel, "pesel peselu"),
            (.aadhaar, "aadhaar aadhar adhaar uid uidai आधार"),
            (.bsn, "bsn burgerservicenummer sofinummer sofi"),
            (
                .steuer,
                "steuer steuerid steuernummer idnr steueridentifikationsnummer tin identifikationsnummer steuerliche"
            ),
            (.sin, "sin nas insurance"),
            (.tfn, "tfn taxfile tax"),
            (.medicare, "medicare"),
            (.swedish, "personnummer pnr personnr samordningsnummer"),
            (.norwegian, "fødselsnummer fodselsnummer fnr"),
            (.danish, "cpr cprnummer cprnr"),
            (.finnish, "hetu henkilötunnus henkilotunnus"),
            (.swiss, "ahv avs ahvnummer oasi"),
            (.austrian, "svnr svnummer sozialversicherungsnummer sozialversicherung"),
            (.french, "nir sécu secu insee sécurité securite"),
            (.japanese, "mynumber kojinbango"),
            (.korean, "rrn jumin"),
            (.chinese, "chinaid"),
            (.thai, "thaiid thai"),
            (.southAfrican, "rsaid saidnumber"),
            (.turkish, "tckn tc kimlik tcno"),
            (.israeli, "teudat zehut teudatzehut"),
            (.romanian, "cnp"),
            (.bulgarian, "egn егн"),
            (.czech, "rodné rodne rč rodnecislo rodnéčíslo"),
            (.hungarian, "taj"),
            (.greek, "amka afm αμκα αφμ"),
            (.portuguese, "nif contribuinte nic"),
            (.belgian, "rijksregisternummer rijksregister niss insz nn registre"),
            (.irish, "pps ppsn"),
            (.argentine, "cuit cuil"),
            (.chilean, "rut"),
            (.russian, "инн снилс inn snils"),
            (.spanish, "dni nif nie"),
            (.malaysian, "mykad nric"),
            (.indonesian, "nik ktp"),
            (.plain, "cédula cedula dni"),
            (.newZealand, "ird"),
            (.npi, "npi"),
            (.croatian, "oib jmbg emšo emso"),
            (.estonian, "isikukood asmens personas"),
        ]
    }
}
