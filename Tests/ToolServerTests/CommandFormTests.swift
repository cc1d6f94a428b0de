import Testing

@testable import ToolServer

/// The table of commands, and what is made of it.
@Suite struct CommandFormTests {
    @Test func everyFormSaysWhatItDoes() {
        for form in CommandForm.all {
            #expect(!form.does.isEmpty, "\(form.usage)")
            #expect(!form.usage.contains("  "), "\(form.usage)")
            #expect(form.text.hasSuffix("  " + form.does))
        }
        #expect(Set(CommandForm.commands).count == CommandForm.commands.count)
    }

    @Test func helpOfACommandIsItsFormsAndNoOthers() throws {
        let help = try #require(Help.of("audit"))
        #expect(help.split(separator: "\n").allSatisfy { $0.hasPrefix("toolserver audit ") })
        #expect(Help.of("audi") == nil)
        #expect(Help.of("--help") == nil)
        #expect(Help.options(of: "grants").contains("--sql"))
    }

    @Test func theManPageHasEveryFormAndNoRequestByAccident() {
        let lines = ManPage.text.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.first?.hasPrefix(".TH TOOLSERVER 1 ") == true)
        let requests = [".TH", ".SH", ".TP", ".B", ".I"]
        for line in lines {
            #expect(!line.isEmpty && line.utf8.allSatisfy { $0 < 0x80 })
            #expect(!line.hasPrefix("'"), "\(line)")
            let word = line.split(separator: " ").first.map(String.init) ?? ""
            #expect(!line.hasPrefix(".") || requests.contains(word), "\(line)")
        }
        let forms = lines.filter { $0.hasPrefix(".B toolserver ") }
        #expect(forms.count == CommandForm.all.count)
        #expect(forms.contains(".B toolserver help [COMMAND | \\-\\-man]"))
        #expect(ManPage.text.contains("[FILTER\\[u2026]]"))
    }
}
