"""The words that titles of synthetic films are made of, by genre."""

GENRES: dict[str, tuple[str, str]] = {
    "Action": (
        "Steel Burning Rogue Final Lethal Midnight Iron Savage Hard Rapid Broken Double",
        "Strike Pursuit Fury Convoy Bullet Hostage Overdrive Ambush Showdown Vengeance Fuse Raid",
    ),
    "Adventure": (
        "Lost Golden Forgotten Distant Hidden Emerald Fearless Uncharted Northern Jade Wild Far",
        "Voyage Compass Expedition Island Treasure Horizon Caravan Passage Summit River Map Temple",
    ),
    "Animation": (
        "Little Flying Paper Curious Clockwork Moonlit Painted Tiny Singing Wooden Velvet Brave",
        "Dragon Kite Robot Forest Owl Balloon Lantern Prince Whale Puppet Squirrel Castle",
    ),
    "Children's": (
        "Secret Magic Lucky Muddy Giant Friendly Runaway Snowy Happy Sleepy Rainbow Mischievous",
        "Garden Puppy Treehouse Pony Sandcastle Wish Toyshop Circus Sleigh Parrot Picnic Marble",
    ),
    "Comedy": (
        "Accidental Unlikely Reluctant Second-Hand Awkward Borrowed Loud Perfect Wrong Crooked "
        "Unwanted Cheap",
        "Wedding Neighbors Vacation Butler Cousins Honeymoon Bachelor Landlord Reunion Manners "
        "Dinner Inheritance",
    ),
    "Crime": (
        "Dirty Silent Stolen Crooked Dead Cold Seventh Blind Downtown Easy Ruthless Counterfeit",
        "Alibi Verdict Heist Syndicate Informer Ledger Accomplice Getaway Precinct Confession "
        "Bribe Safe",
    ),
    "Documentary": (
        "Living Vanishing American Ordinary Unseen Open Last Working Hungry Quiet Common True",
        "Rivers Voices Harvest Portrait Streets Archive Glaciers Migrations Letters Factory "
        "Orchestra Coast",
    ),
    "Drama": (
        "Quiet Bitter Autumn Fragile Distant Borrowed Tender Gray Patient Unspoken Winter Long",
        "Harbor Promise Sons Daughters Silence Letters Season Farewell Orchard Kitchen "
        "Forgiveness Tide",
    ),
    "Fantasy": (
        "Enchanted Crystal Silver Thousandth Sleeping Cursed Starlit Whispering Ancient Emerald "
        "Winged Lost",
        "Kingdom Crown Sorcerer Mirror Unicorn Throne Oracle Sword Labyrinth Spell Gate Prophecy",
    ),
    "Film-Noir": (
        "Black Crooked Rain-Soaked Smoky Fatal Scarlet Pale Nameless Sleepless Shadowed Bitter "
        "Empty",
        "Dahlia Alley Rendezvous Cigarette Stranger Boulevard Widow Window Corridor Pier Melody "
        "Debt",
    ),
    "Horror": (
        "Crawling Bloody Hollow Cursed Screaming Buried Rotting Unholy Moonless Feeding Haunted "
        "Pale",
        "Cellar Graveyard Asylum Flesh Manor Harvest Swarm Coffin Possession Well Ritual Teeth",
    ),
    "Musical": (
        "Dancing Swinging Broadway Starstruck Jazz Tap-Happy Moonlight Glittering Golden "
        "Midsummer Carefree Ragtime",
        "Serenade Chorus Melody Footlights Revue Ballroom Duet Overture Parade Nightingale Waltz "
        "Stage",
    ),
    "Mystery": (
        "Seventh Vanished Locked Missing Forgotten Double Whispering Hidden Unopened Nameless "
        "Crimson Silent",
        "Room Witness Clue Portrait Telegram Heir Staircase Key Disappearance Riddle Guest Diary",
    ),
    "Romance": (
        "Tender Secret Endless Parisian Summer Foolish First Stolen Faraway Blushing Second "
        "Moonlit",
        "Kiss Affair Heart Valentine Proposal Embrace Letters Melody Chance Sunset Bride Longing",
    ),
    "Sci-Fi": (
        "Silent Quantum Orbital Synthetic Last Parallel Frozen Infinite Alien Neon Second Dark",
        "Colony Signal Android Horizon Frontier Paradox Station Eclipse Protocol Exodus Moon "
        "Machine",
    ),
    "Thriller": (
        "Hidden Cold Deadly Double Perfect Silent Fatal Third Blind Shallow Sudden Thin",
        "Motive Witness Trap Deception Obsession Breath Target Secret Identity Panic Glass Grave",
    ),
    "War": (
        "Fallen Last Muddy Forgotten Iron Crimson Frozen Distant Brave Long Occupied Silent",
        "Regiment Trench Battalion Retreat Armistice Front Bridge Siege Medal Brigade Crossing "
        "Winter",
    ),
    "Western": (
        "Dusty Lonesome Outlaw Bitter Rawhide Crooked Painted Thunder Lawless Copper Lone Prairie",
        "Canyon Saddle Sheriff Stagecoach Ridge Posse Mesa Gunslinger Trail Homestead Rustler "
        "Creek",
    ),
}
PATTERNS = ("{0} {1}", "The {0} {1}", "{1} of the {2}", "A {0} {1}", "The {1} and the {2}")
