print("toolserver")
